//! What this instance knows: the variables, the snapshot, and the pipeline's configuration made of both.
//!
//! An instance is made for a request and reused for others, so the first request waits for a snapshot: the copy that
//! another instance left in the state, or the core's. Later ones never wait: who finds it older than a second sees to it
//! beside its own work, one request at a time.
//!
//! Requests of one instance are tasks of the component model, and one cannot wake another: those that arrive while the
//! first snapshot is fetched look again every few milliseconds.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use breakwater_pipeline::{EdgeKeys, Gateway, Proxies, Snapshot, apply};
use spin_sdk::time::sleep;
use spin_sdk::variables;
use wit_bindgen::spawn;

use crate::clock::uptime_ms;
use crate::origin::Origin;
use crate::policies::Components;
use crate::snapshot;

/// How old the snapshot may be before the core is asked for a newer one.
const FRESH_MS: u64 = 1000;

/// How long after a failure the requests of an instance without a snapshot are refused without asking again.
const PAUSE_MS: u64 = 250;

/// How often a request looks whether another one's fetch has ended.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

thread_local! {
    static CONFIGURATION: OnceCell<Rc<Configuration>> = const { OnceCell::new() };
}

/// See the module.
pub struct Configuration {
    pub core: Origin,
    keys: EdgeKeys,
    gateway: RefCell<Arc<Gateway>>,
    known: RefCell<Option<Rc<Known>>>,
    /// When the core answered last, or did not, by [`uptime_ms`].
    answered_at: Cell<Option<u64>>,
    /// Whether a request asks the core right now.
    asking: Cell<bool>,
    /// Issuers whose keys are missing: the core is told when it is asked next.
    missing: RefCell<BTreeSet<String>>,
}

/// Held by the request that asks the core; a request that is cancelled lets go of it.
struct Asking<'a>(&'a Cell<bool>);

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.0.set(false);
    }
}

/// A snapshot and the name that the core gives it.
pub struct Known {
    pub snapshot: Snapshot,
    pub etag: String,
}

impl Configuration {
    /// This instance's, made from the variables on first use.
    pub async fn get() -> Result<Rc<Self>, String> {
        if let Some(made) = CONFIGURATION.with(|cell| cell.get().cloned()) {
            return Ok(made);
        }
        let core = variable("core_url").await?;
        let core = Origin::parse(&core)
            .ok_or_else(|| format!("the variable core_url is no origin such as http://host:port: {core}"))?;
        let keys =
            EdgeKeys::parse(&variable("edge_key").await?).map_err(|error| format!("the variable edge_key: {error}"))?;
        let proxies = Proxies::parse(&variable("trusted_proxies").await?, &variable("client_address_header").await?)
            .map_err(|error| format!("the variable trusted_proxies: {error}"))?;
        let made = Rc::new(Self {
            core,
            gateway: RefCell::new(Arc::new(Gateway { keys: keys.clone(), proxies, ..Gateway::default() })),
            keys,
            known: RefCell::default(),
            answered_at: Cell::default(),
            asking: Cell::default(),
            missing: RefCell::default(),
        });
        // Of two requests that come here together, the first one's is kept.
        Ok(CONFIGURATION.with(|cell| Rc::clone(cell.get_or_init(|| made))))
    }

    /// The pipeline's configuration, with the best snapshot that can be had now.
    pub async fn gateway(self: &Rc<Self>) -> Arc<Gateway> {
        while self.known.borrow().is_none() && self.answered_before(PAUSE_MS) {
            match self.ask() {
                Some(_asking) => self.begin().await,
                None => sleep(LOOK_AGAIN).await,
            }
        }
        if self.known.borrow().is_some() && self.answered_before(FRESH_MS) && !self.asking.get() {
            let this = Rc::clone(self);
            spawn(async move {
                // Of several that come here together, the first asks.
                if let Some(_asking) = this.ask() {
                    this.renew().await;
                }
            });
        }
        self.without_waiting()
    }

    /// The same, with what there is.
    pub fn without_waiting(&self) -> Arc<Gateway> {
        Arc::clone(&self.gateway.borrow())
    }

    /// A token named a key of this issuer that is not known.
    pub fn report(&self, issuer: &str) {
        self.missing.borrow_mut().insert(issuer.to_owned());
    }

    fn ask(&self) -> Option<Asking<'_>> {
        (!self.asking.replace(true)).then(|| Asking(&self.asking))
    }

    fn answered_before(&self, milliseconds: u64) -> bool {
        self.answered_at.get().is_none_or(|at| uptime_ms().saturating_sub(at) >= milliseconds)
    }

    /// The first snapshot. A copy is not known to be fresh, so the core is asked beside the first request.
    async fn begin(self: &Rc<Self>) {
        if let Some(copy) = snapshot::recall(&self.core, &self.keys).await
            && self.adopt(copy)
        {
            return;
        }
        self.renew().await;
    }

    /// Asks the core; whatever goes wrong is logged, and what was known goes on.
    async fn renew(self: &Rc<Self>) {
        let known = self.known.borrow().clone();
        let missing: Vec<String> = self.missing.take().into_iter().collect();
        match snapshot::fetch(&self.core, &self.keys, known.as_deref(), &missing).await {
            Ok(None) => {}
            Ok(Some((new, document))) => {
                let etag = new.etag.clone();
                if self.adopt(new) {
                    let this = Rc::clone(self);
                    spawn(async move { snapshot::remember(&this.core, &this.keys, &etag, &document).await });
                }
            }
            Err(reason) => eprintln!("no snapshot from the core: {reason}"),
        }
        // A failure is not asked about again at once either.
        self.answered_at.set(Some(uptime_ms()));
    }

    /// Hands the snapshot to the policies; whether they took it.
    fn adopt(&self, new: Known) -> bool {
        let last = self.known.borrow().clone();
        match apply(&mut Components, &new.snapshot, last.as_deref().map(|known| &known.snapshot)) {
            Ok(()) => {
                let gateway = self.gateway.borrow().with_settings(new.snapshot.settings.clone());
                self.gateway.replace(gateway);
                self.known.replace(Some(Rc::new(new)));
                true
            }
            Err(error) => {
                eprintln!("the snapshot {} is not used: {error}", new.etag);
                false
            }
        }
    }
}

async fn variable(name: &str) -> Result<String, String> {
    variables::get(name).await.map_err(|error| format!("the variable {name}: {error}"))
}
