//! What this instance knows: the variables, the snapshot, and the pipeline's configuration made of both.
//!
//! An instance is made for a request and reused for others, so the first request waits for a snapshot. Later ones never
//! wait: who finds it older than a second sees to it beside its own work, one request at a time.

use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use breakwater_pipeline::{EdgeKeys, Gateway, Snapshot, apply};
use futures_util::lock::Mutex;
use spin_sdk::variables;
use wit_bindgen::spawn;

use crate::clock::uptime_ms;
use crate::origin::Origin;
use crate::policies::Components;
use crate::snapshot::{self, Fetched};

/// How old the snapshot may be before the core is asked for a newer one.
const FRESH_MS: u64 = 1000;

/// How long after a failure the requests of an instance without a snapshot are refused without asking again.
const PAUSE_MS: u64 = 250;

thread_local! {
    static CONFIGURATION: OnceCell<Rc<Configuration>> = const { OnceCell::new() };
}

/// See the module.
pub struct Configuration {
    pub core: Origin,
    keys: EdgeKeys,
    gateway: RefCell<Arc<Gateway>>,
    known: RefCell<Option<Rc<Known>>>,
    /// When the core was asked last, by [`uptime_ms`].
    asked_at: Cell<Option<u64>>,
    /// Held by the request that asks the core.
    asking: Mutex<()>,
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
        let made = Rc::new(Self {
            core,
            gateway: RefCell::new(Arc::new(Gateway { keys: keys.clone(), ..Gateway::default() })),
            keys,
            known: RefCell::default(),
            asked_at: Cell::default(),
            asking: Mutex::default(),
        });
        // Of two requests that come here together, the first one's is kept.
        Ok(CONFIGURATION.with(|cell| Rc::clone(cell.get_or_init(|| made))))
    }

    /// The pipeline's configuration, with the best snapshot that can be had now.
    pub async fn gateway(self: &Rc<Self>) -> Arc<Gateway> {
        if self.known.borrow().is_none() {
            let _asking = self.asking.lock().await;
            if self.known.borrow().is_none() && self.asked_before(PAUSE_MS) {
                self.renew().await;
            }
        } else if self.asked_before(FRESH_MS) && self.asking.try_lock().is_some() {
            // The lock is taken again inside, by whichever of those that came here together is first.
            let this = Rc::clone(self);
            spawn(async move {
                if let Some(_asking) = this.asking.try_lock()
                    && this.asked_before(FRESH_MS)
                {
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

    fn asked_before(&self, milliseconds: u64) -> bool {
        self.asked_at.get().is_none_or(|at| uptime_ms().saturating_sub(at) >= milliseconds)
    }

    /// Asks the core; whatever goes wrong is logged, and what was known goes on.
    async fn renew(&self) {
        self.asked_at.set(Some(uptime_ms()));
        let known = self.known.borrow().clone();
        match snapshot::fetch(&self.core, &self.keys, known.as_deref()).await {
            Ok(Fetched::Unchanged) => {}
            Ok(Fetched::New(new)) => self.adopt(new, known.as_deref()),
            Err(reason) => eprintln!("no snapshot from the core: {reason}"),
        }
        // A slow answer is fresh from now on; a failure is not asked about again at once.
        self.asked_at.set(Some(uptime_ms()));
    }

    fn adopt(&self, new: Known, last: Option<&Known>) {
        match apply(&mut Components, &new.snapshot, last.map(|known| &known.snapshot)) {
            Ok(()) => {
                let gateway = self.gateway.borrow().with_settings(new.snapshot.settings.clone());
                self.gateway.replace(gateway);
                self.known.replace(Some(Rc::new(new)));
            }
            Err(error) => eprintln!("the core's snapshot {} is not used: {error}", new.etag),
        }
    }
}

async fn variable(name: &str) -> Result<String, String> {
    variables::get(name).await.map_err(|error| format!("the variable {name}: {error}"))
}
