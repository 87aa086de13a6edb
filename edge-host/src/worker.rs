//! A worker: one thread with everything that it needs for a request, shared with nobody.

mod random;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use breakwater_pipeline::{Gateway, Snapshot, apply};
use rustls::{ClientConfig, ServerConfig};
use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::{mpsc, watch};
use tokio_util::task::TaskTracker;

use crate::collapse::Collapsing;
use crate::manifest::AllowedHosts;
use crate::policies::{Components, PolicySet};
use crate::server::{self, Listener, Places};
use crate::snapshot::MissingKeys;
use crate::state::{Redis, State};
use crate::upstream::{Origin, Upstreams};
use random::Random;

/// How long a request waits at the most for a worker that is about to begin.
const BEGINNING: Duration = Duration::from_secs(2);

/// How far the edge is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// It serves.
    Serving,
    /// It still takes connections, and asks clients to leave with every answer.
    Leaving,
    /// It takes no more connections, and ends those that have nothing to do.
    Closing,
}

/// Time-outs that hold for every connection.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// For a request's head, and between requests.
    pub header_timeout: Duration,
    /// For the client to take something of its answer.
    pub write_timeout: Duration,
    /// For accepted requests when the edge stops.
    pub shutdown_timeout: Duration,
}

/// What every worker is made of.
#[derive(Clone)]
pub struct Parts {
    /// The compiled policies.
    pub components: Components,
    /// The pipeline before its first snapshot.
    pub gateway: Arc<Gateway>,
    /// Where the core is.
    pub core: Origin,
    /// What may be reached.
    pub allowed: AllowedHosts,
    /// How upstreams are trusted.
    pub upstream_tls: Arc<ClientConfig>,
    /// What clients see.
    pub tls: Option<Arc<ServerConfig>>,
    /// Who asks upstreams for what others wait for.
    pub collapsing: Collapsing,
    /// Where the edge remembers.
    pub state: StateParts,
    /// Issuers whose keys are missing, for the one who follows the core.
    pub missing: MissingKeys,
    /// Time-outs.
    pub limits: Limits,
}

/// What a worker's [`State`] is made of.
#[derive(Clone)]
pub enum StateParts {
    /// Shared by all workers.
    Memory(State),
    /// A connection each: URL and credentials.
    Redis(String, String),
}

/// One worker, as its connections see it.
pub struct Worker {
    /// Borrowed for one step of one request at a time.
    pub policies: RefCell<PolicySet>,
    /// Exchanged for another with every snapshot.
    pub gateway: RefCell<Arc<Gateway>>,
    /// What all workers are given.
    snapshots: watch::Receiver<Option<Arc<Snapshot>>>,
    /// Whether this worker has taken a snapshot yet.
    begun: watch::Sender<bool>,
    /// Connections to upstreams.
    pub upstreams: Upstreams,
    /// Who asks upstreams for what others wait for.
    pub collapsing: Collapsing,
    /// Where the edge remembers.
    pub state: State,
    /// Takes places back that requests held among those at once.
    pub places: UnboundedSender<Places>,
    /// Issuers whose keys are missing, for the one who follows the core.
    pub missing: MissingKeys,
    /// What clients see.
    pub tls: Option<Arc<ServerConfig>>,
    /// Time-outs.
    pub limits: Limits,
    /// How far the edge is.
    pub phase: watch::Receiver<Phase>,
    /// For request ids.
    pub random: RefCell<Random>,
    /// Copies of requests that are under way to mirrors.
    pub mirrored: Cell<usize>,
}

/// Runs a worker in the thread that calls, until the edge has closed.
pub fn run(
    parts: Parts,
    listener: Listener,
    snapshots: watch::Receiver<Option<Arc<Snapshot>>>,
    phase: watch::Receiver<Phase>,
) -> Result<()> {
    let runtime = Builder::new_current_thread().enable_all().build_local(LocalOptions::default())?;
    runtime.block_on(async {
        let (places, given_back) = mpsc::unbounded_channel();
        let worker = Rc::new(Worker::new(parts, snapshots.clone(), phase, places)?);
        tokio::task::spawn_local(server::give_back(worker.state.clone(), given_back));
        tokio::task::spawn_local(follow(worker.clone(), snapshots));
        worker.accept(listener).await
    })
}

impl Worker {
    fn new(
        parts: Parts,
        snapshots: watch::Receiver<Option<Arc<Snapshot>>>,
        phase: watch::Receiver<Phase>,
        places: UnboundedSender<Places>,
    ) -> Result<Self> {
        let policies = PolicySet::new(&parts.components).map_err(anyhow::Error::from);
        let state = match parts.state {
            StateParts::Memory(state) => state,
            StateParts::Redis(url, credentials) => State::Redis(Redis::new(&url, &credentials, &parts.allowed)?),
        };
        Ok(Self {
            policies: RefCell::new(policies.context("cannot make the policies")?),
            gateway: RefCell::new(parts.gateway),
            snapshots,
            begun: watch::Sender::new(false),
            upstreams: Upstreams::new(parts.core, parts.allowed, parts.upstream_tls),
            collapsing: parts.collapsing,
            state,
            places,
            missing: parts.missing,
            tls: parts.tls,
            limits: parts.limits,
            phase,
            random: RefCell::new(Random::new()?),
            mirrored: Cell::new(0),
        })
    }

    /// Waits for the first snapshot if there is one that this worker has not come to take: another worker may have said
    /// already that the edge is ready.
    pub async fn begin(&self) {
        if !*self.begun.borrow() && self.snapshots.borrow().is_some() {
            // One that cannot take it says so in time.
            let _ = tokio::time::timeout(BEGINNING, self.begun.subscribe().wait_for(|begun| *begun)).await;
        }
    }

    /// Takes connections until the edge closes, then waits for those that have something to do.
    async fn accept(self: Rc<Self>, listener: Listener) -> Result<()> {
        let listener = listener.into_tokio()?;
        let connections = TaskTracker::new();
        let mut phase = self.phase.clone();
        loop {
            tokio::select! {
                (stream, from) = server::accept(&listener) => {
                    connections.spawn_local(server::serve(self.clone(), stream, from));
                }
                // If the sender is gone, the process ends anyway.
                _ = phase.wait_for(|phase| *phase == Phase::Closing) => break,
            }
        }
        // What the kernel has taken already is not left behind.
        loop {
            tokio::select! {
                biased;
                (stream, from) = server::accept(&listener) => {
                    connections.spawn_local(server::serve(self.clone(), stream, from));
                }
                () = std::future::ready(()) => break,
            }
        }
        drop(listener);
        connections.close();
        if tokio::time::timeout(self.limits.shutdown_timeout, connections.wait()).await.is_err() {
            tracing::warn!(left = connections.len(), "connections were cut off: the time to finish is over");
        }
        Ok(())
    }
}

/// Gives new snapshots to the policies, whole or not at all.
async fn follow(worker: Rc<Worker>, mut snapshots: watch::Receiver<Option<Arc<Snapshot>>>) {
    let mut last: Option<Arc<Snapshot>> = None;
    loop {
        let next = snapshots.borrow_and_update().clone();
        if let Some(next) = next {
            match apply(&mut *worker.policies.borrow_mut(), &next, last.as_deref()) {
                Ok(()) => {
                    let gateway = worker.gateway.borrow().with_settings(next.settings.clone());
                    *worker.gateway.borrow_mut() = gateway;
                    worker.begun.send_replace(true);
                    last = Some(next);
                }
                // It was tried before it came here, so this is a policy that fails now and then.
                Err(error) => tracing::error!(%error, "a worker keeps its last snapshot"),
            }
        }
        if snapshots.changed().await.is_err() {
            return;
        }
    }
}
