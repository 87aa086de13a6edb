//! Asking upstreams: pooled connections, time-outs, retries, bodies streamed both ways.
//!
//! A worker has its own pool: nothing here crosses threads. HTTP/1.1 is spoken, as suits a private network; TLS when
//! the origin says `https`.

mod connect;
mod exchange;
mod headers;
mod introspect;
mod origin;
mod pool;
mod request_body;
mod response_body;

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use breakwater_kit::types::ResponseHead;
use breakwater_pipeline::{Failure, Forward};
use hyper::body::Incoming;
use rustls::ClientConfig;

use crate::manifest::AllowedHosts;
pub use connect::ConnectError;
pub use headers::{to_fields, to_header_map};
pub use origin::Origin;
use pool::Pool;
pub use response_body::{BrokenOff, ResponseBody};

/// What may be asked, and the connections to it.
pub struct Upstreams {
    core: Origin,
    allowed: AllowedHosts,
    tls: Arc<ClientConfig>,
    /// Snapshots name few upstreams, and those that went leave no more than an empty pool.
    pools: RefCell<HashMap<Origin, Rc<Pool>>>,
}

/// An upstream's answer.
pub struct Answer {
    /// Its head.
    pub head: ResponseHead,
    /// Its body, still coming.
    pub body: ResponseBody,
}

impl Upstreams {
    /// Nothing is connected before it is asked for.
    pub fn new(core: Origin, allowed: AllowedHosts, tls: Arc<ClientConfig>) -> Self {
        Self { core, allowed, tls, pools: RefCell::default() }
    }

    /// Sends a request and waits for the head of its answer.
    pub async fn forward(&self, forward: Forward, body: Option<Incoming>) -> Result<Answer, Failure> {
        let pool = self.pool(forward.origin.as_deref())?;
        exchange::run(&pool, forward, body).await
    }

    fn pool(&self, origin: Option<&str>) -> Result<Rc<Pool>, Failure> {
        let named;
        let origin = match origin {
            None => &self.core,
            Some(text) => {
                // The snapshot's reader has checked that it is one.
                named = text.parse::<Origin>().map_err(|_| Failure::Forbidden)?;
                &named
            }
        };
        if let Some(pool) = self.pools.borrow().get(origin) {
            return Ok(pool.clone());
        }
        if !self.allowed.allows(origin.scheme(), origin.host(), origin.port()) {
            tracing::error!(%origin, "allowed_outbound_hosts in the manifest does not allow this upstream");
            return Err(Failure::Forbidden);
        }
        let pool = Rc::new(Pool::new(origin.clone(), self.tls.clone()));
        self.pools.borrow_mut().insert(origin.clone(), pool.clone());
        Ok(pool)
    }
}

fn milliseconds(count: u32) -> Duration {
    Duration::from_millis(count.into())
}
