//! A worker: one thread with everything that it needs for a request, shared with nobody.

mod generation;
mod random;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::{mpsc, watch};
use tokio_util::task::TaskTracker;

use crate::collapse::Collapsing;
use crate::metrics::{Metrics, WorkerMetrics};
use crate::server::{self, Listener, Places};
use crate::setup::Current;
use crate::snapshot::MissingKeys;
use crate::state::{Redis, State};
use crate::traces::Traces;
use crate::upstream::Unwell;
pub use generation::Generation;
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
    /// Who asks upstreams for what others wait for.
    pub collapsing: Collapsing,
    /// Where the edge remembers.
    pub state: StateParts,
    /// Issuers whose keys are missing, for the one who follows the core.
    pub missing: MissingKeys,
    /// Where everything is counted, if anybody asks.
    pub metrics: Option<Arc<Metrics>>,
    /// Where traces are told, if they are.
    pub traces: Option<Traces>,
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
    /// What requests that begin now are served with.
    generation: RefCell<Rc<Generation>>,
    /// What all workers are given.
    news: News,
    /// How many snapshots and setups this worker has taken with which it can serve.
    taken: watch::Sender<u64>,
    /// Who asks upstreams for what others wait for.
    pub collapsing: Collapsing,
    /// Where the edge remembers.
    pub state: State,
    /// Takes places back that requests held among those at once.
    pub places: UnboundedSender<Places>,
    /// Issuers whose keys are missing, for the one who follows the core.
    pub missing: MissingKeys,
    /// Time-outs.
    pub limits: Limits,
    /// How far the edge is.
    pub phase: watch::Receiver<Phase>,
    /// Connections that have become WebSockets.
    pub tunnels: TaskTracker,
    /// For request ids.
    pub random: RefCell<Random>,
    /// Copies of requests that are under way to mirrors.
    pub mirrored: Cell<usize>,
    /// What this worker counts, if anybody asks.
    pub metrics: Option<Rc<WorkerMetrics>>,
    /// Where traces are told, if they are.
    pub traces: Option<Traces>,
    all_metrics: Option<Arc<Metrics>>,
}

/// What the main thread tells the workers.
#[derive(Clone)]
pub struct News {
    /// What they serve with.
    pub current: watch::Receiver<Current>,
    /// What the health checks found.
    pub unwell: watch::Receiver<Arc<Unwell>>,
}

/// Runs a worker in the thread that calls, until the edge has closed.
pub fn run(parts: Parts, listener: Listener, news: News, phase: watch::Receiver<Phase>) -> Result<()> {
    let runtime = Builder::new_current_thread().enable_all().build_local(LocalOptions::default())?;
    runtime.block_on(async {
        let (places, given_back) = mpsc::unbounded_channel();
        let worker = Rc::new(Worker::new(parts, news.clone(), phase, places)?);
        tokio::task::spawn_local(server::give_back(worker.state.clone(), given_back));
        tokio::task::spawn_local(follow(worker.clone(), news.current));
        tokio::task::spawn_local(heed(worker.clone(), news.unwell));
        worker.accept(listener).await
    })
}

impl Worker {
    fn new(parts: Parts, news: News, phase: watch::Receiver<Phase>, places: UnboundedSender<Places>) -> Result<Self> {
        let metrics = parts.metrics.as_ref().map(|all| Rc::new(WorkerMetrics::new(all)));
        // The first snapshot is taken beside the first requests.
        let current = Current { snapshot: None, ..news.current.borrow().clone() };
        let generation = Generation::new(current, metrics.as_ref())?;
        let state = match parts.state {
            StateParts::Memory(state) => state,
            StateParts::Redis(url, credentials) => {
                State::Redis(Redis::new(&url, &credentials, &generation.setup.reach.allowed)?)
            }
        };
        Ok(Self {
            generation: RefCell::new(Rc::new(generation)),
            news,
            taken: watch::Sender::new(0),
            tunnels: TaskTracker::new(),
            metrics,
            traces: parts.traces,
            all_metrics: parts.metrics,
            collapsing: parts.collapsing,
            state,
            places,
            missing: parts.missing,
            limits: parts.limits,
            phase,
            random: RefCell::new(Random::new()?),
            mirrored: Cell::new(0),
        })
    }

    /// What serves a request that begins now.
    pub fn generation(&self) -> Rc<Generation> {
        self.generation.borrow().clone()
    }

    /// Tells of every snapshot and setup that this worker has taken from now on.
    pub fn news(&self) -> watch::Receiver<u64> {
        self.taken.subscribe()
    }

    /// Waits for the first snapshot if there is one that this worker has not come to take: another worker may have said
    /// already that the edge is ready.
    pub async fn begin(&self) {
        if self.generation.borrow().gateway.borrow().settings.is_none() && self.news.current.borrow().snapshot.is_some()
        {
            // One that cannot take it says so in time.
            let _ = tokio::time::timeout(BEGINNING, self.taken.subscribe().wait_for(|taken| *taken > 0)).await;
        }
    }

    /// Takes connections until the edge closes, then waits for those that have something to do.
    async fn accept(self: Rc<Self>, listener: Listener) -> Result<()> {
        let listener = listener.into_tokio()?;
        let connections = TaskTracker::new();
        let taken = self.all_metrics.as_ref().map(|all| all.connections(&connections)).unwrap_or_default();
        let mut phase = self.phase.clone();
        loop {
            tokio::select! {
                (stream, from) = server::accept(&listener) => {
                    taken.one();
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
                    taken.one();
                    connections.spawn_local(server::serve(self.clone(), stream, from));
                }
                () = std::future::ready(()) => break,
            }
        }
        drop(listener);
        connections.close();
        self.tunnels.close();
        // What is under way may still become a tunnel.
        let all = async { tokio::join!(connections.wait(), self.tunnels.wait()) };
        if tokio::time::timeout(self.limits.shutdown_timeout, all).await.is_err() {
            let left = connections.len() + self.tunnels.len();
            tracing::warn!(left, "connections were cut off: the time to finish is over");
        }
        Ok(())
    }
}

/// Takes what is new, whole or not at all: a snapshot, or another setup with the snapshot that there is.
async fn follow(worker: Rc<Worker>, mut news: watch::Receiver<Current>) {
    loop {
        let next = news.borrow_and_update().clone();
        let snapshots = next.snapshot.is_some();
        match worker.take(next) {
            Ok(()) if snapshots => worker.taken.send_modify(|taken| *taken += 1),
            Ok(()) => {}
            // It was tried before it came here, so this is a policy that fails now and then.
            Err(error) => tracing::error!(error = %format!("{error:#}"), "a worker goes on with what it has"),
        }
        if news.changed().await.is_err() {
            return;
        }
    }
}

/// Leaves endpoints alone that the health checks found unwell.
async fn heed(worker: Rc<Worker>, mut unwell: watch::Receiver<Arc<Unwell>>) {
    while unwell.changed().await.is_ok() {
        let unwell = unwell.borrow_and_update().clone();
        worker.generation().upstreams.heed(unwell);
    }
}

impl Worker {
    fn take(&self, next: Current) -> Result<()> {
        let generation = self.generation();
        if !Arc::ptr_eq(&generation.setup, &next.setup) {
            let generation = Generation::new(next, self.metrics.as_ref())?;
            generation.upstreams.heed(self.news.unwell.borrow().clone());
            *self.generation.borrow_mut() = Rc::new(generation);
            return Ok(());
        }
        next.snapshot.map_or(Ok(()), |snapshot| generation.tell(snapshot))
    }
}
