//! Asking upstreams: endpoints chosen, pooled connections, time-outs, retries, bodies streamed both ways.
//!
//! A worker has its own pools and its own opinion of endpoints: nothing here crosses threads but the counts of
//! upstreams with a bound ([`Breakers`]) and what the health checks found ([`Unwell`]). HTTP/1.1 is spoken, as suits a
//! private network; TLS when the origin says `https`.

mod breaker;
mod connect;
mod endpoint;
mod exchange;
mod group;
mod headers;
mod health;
mod introspect;
mod origin;
mod pool;
mod request_body;
mod response_body;

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use breakwater_kit::types::ResponseHead;
use breakwater_pipeline::{Failure, Forward, Upstream};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use rustls::ClientConfig;

use crate::manifest::AllowedHosts;
use crate::metrics::WorkerMetrics;
pub use breaker::Breakers;
pub use connect::ConnectError;
use endpoint::Turn;
use group::Group;
pub use headers::{to_fields, to_header_map};
pub use health::{Checker, Unwell};
pub use origin::Origin;
use pool::Pool;
pub use response_body::{BrokenOff, ResponseBody};

/// What reaching upstreams takes, wherever in the process.
#[derive(Clone)]
pub struct Reach {
    /// Where the core is: one address or several.
    pub core: Vec<Origin>,
    /// What may be reached.
    pub allowed: AllowedHosts,
    /// How upstreams are trusted.
    pub tls: Arc<ClientConfig>,
    /// The bounds that all workers keep together.
    pub breakers: Arc<Breakers>,
}

/// What may be asked, and the connections to it.
pub struct Upstreams {
    reach: Reach,
    /// Snapshots name few upstreams, and those that went leave no more than an empty pool.
    pools: RefCell<HashMap<Origin, Rc<Pool>>>,
    groups: RefCell<HashMap<String, Rc<Group>>>,
    unwell: RefCell<Arc<Unwell>>,
    metrics: Option<Rc<WorkerMetrics>>,
}

/// An upstream's answer.
pub struct Answer {
    /// Its head.
    pub head: ResponseHead,
    /// Its body, still coming.
    pub body: ResponseBody,
    /// The connection, if it is no longer HTTP's.
    pub switched: Option<Switched>,
}

/// A connection that has become another protocol's.
pub struct Switched {
    /// The connection, once HTTP has let go of it.
    pub connection: OnUpgrade,
    /// Until it ends, it counts at its endpoint.
    pub turn: Turn,
}

impl Upstreams {
    /// Nothing is connected before it is asked for.
    pub fn new(reach: Reach) -> Self {
        Self { reach, pools: RefCell::default(), groups: RefCell::default(), unwell: RefCell::default(), metrics: None }
    }

    /// Counts in these.
    #[must_use]
    pub fn measured(mut self, metrics: Option<Rc<WorkerMetrics>>) -> Self {
        self.metrics = metrics;
        self
    }

    /// Sends a request and waits for the head of its answer.
    pub async fn forward(&self, forward: Forward, body: Option<Incoming>) -> Result<Answer, Failure> {
        let group = self.group(&forward.upstream, &forward.to)?;
        exchange::run(&group, forward, body).await
    }

    /// Forgets upstreams that a new snapshot no longer has.
    pub fn configure(&self, upstreams: &BTreeMap<String, Arc<Upstream>>) {
        self.groups.borrow_mut().retain(|name, _| upstreams.contains_key(name));
    }

    /// Takes over what the health checks found.
    pub fn heed(&self, unwell: Arc<Unwell>) {
        for (name, group) in &*self.groups.borrow() {
            group.heed(name, &unwell);
        }
        *self.unwell.borrow_mut() = unwell;
    }

    /// The upstream as the request's snapshot has it. What is known of its endpoints outlives the snapshot.
    fn group(&self, name: &str, settings: &Arc<Upstream>) -> Result<Rc<Group>, Failure> {
        let known = self.groups.borrow().get(name).cloned();
        if let Some(group) = known.as_ref().filter(|group| group.is_of(settings)) {
            return Ok(group.clone());
        }
        let pools = self.reach.endpoints(settings).map(|(origin, weight)| Ok((self.pool(origin)?, weight)));
        let pools = pools.collect::<Result<Vec<_>, Failure>>()?;
        let breaker = self.reach.breakers.of(name, settings);
        let group = Rc::new(Group::new(settings.clone(), pools, breaker, known.as_deref()));
        group.heed(name, &self.unwell.borrow());
        self.groups.borrow_mut().insert(name.to_owned(), group.clone());
        Ok(group)
    }

    fn pool(&self, origin: Origin) -> Result<Rc<Pool>, Failure> {
        if let Some(pool) = self.pools.borrow().get(&origin) {
            return Ok(pool.clone());
        }
        if !self.reach.may(&origin) {
            tracing::error!(%origin, "allowed_outbound_hosts in the manifest does not allow this upstream");
            return Err(Failure::Forbidden);
        }
        let meter = self.metrics.as_ref().map(|metrics| metrics.pool(&origin.to_string())).unwrap_or_default();
        let pool = Rc::new(Pool::new(origin.clone(), self.reach.tls.clone(), meter));
        self.pools.borrow_mut().insert(origin, pool.clone());
        Ok(pool)
    }
}

impl Reach {
    fn may(&self, origin: &Origin) -> bool {
        self.allowed.allows(origin.scheme(), origin.host(), origin.port())
    }

    /// An upstream's addresses and their weights.
    fn endpoints<'a>(&'a self, upstream: &'a Upstream) -> impl Iterator<Item = (Origin, u32)> + 'a {
        let core = self.core.iter().filter(|_| upstream.is_core()).map(|origin| (origin.clone(), 1));
        // The snapshot's reader has checked that they are origins.
        let named = upstream.endpoints.iter().filter_map(|one| Some((one.origin.parse().ok()?, one.weight)));
        core.chain(named)
    }
}

fn milliseconds(count: u32) -> Duration {
    Duration::from_millis(count.into())
}
