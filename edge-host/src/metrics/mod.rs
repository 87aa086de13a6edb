//! What the edge counts, for Prometheus: docs/observability.md has the list.
//!
//! Rules: a worker writes into counters of its own, without a lock; a scrape adds them up. Labels are names that the
//! snapshot or the manifest has, or words of a fixed set, never what a client sent, and even so there are so many and no
//! more. An edge that nobody scrapes counts nothing.

mod admin;
mod cell;
mod family;
mod page;
mod worker;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio_util::task::TaskTracker;

pub use admin::serve;
pub use cell::{Count, Histogram};
pub use family::{Family, Own};
pub use worker::{Outcome, PolicyMeter, PoolMeter, RouteMeter, TunnelMeter, UpstreamMeter, WorkerMetrics};

/// The policies, in the order of the manifest.
pub const POLICY_NAMES: [&str; 5] = ["routing", "rate-limiting", "authentication", "caching", "static-files"];

/// Result and reason, as the access log has them.
type CacheLabel = (&'static str, String);

/// Everything that is counted in this process.
#[derive(Debug, Default)]
pub struct Metrics {
    routes: Arc<Family<String, RouteMeter>>,
    upstreams: Arc<Family<String, UpstreamMeter>>,
    pools: Arc<Family<String, PoolMeter>>,
    caches: Arc<Family<CacheLabel, Count>>,
    limits: Arc<Family<String, Count>>,
    policies: Arc<Family<&'static str, PolicyMeter>>,
    tunnels: Arc<Family<String, TunnelMeter>>,
    /// Of every worker: those that are open, and how many there were.
    connections: Mutex<Vec<(TaskTracker, Arc<Count>)>>,
    snapshot: Mutex<SnapshotState>,
    reloads: Mutex<Reloads>,
}

/// What became of the core's snapshots.
#[derive(Debug, Default, Clone)]
struct SnapshotState {
    version: Option<String>,
    /// When the core last said what is current.
    confirmed: Option<Instant>,
    refused: u64,
    failures: u64,
}

/// What became of changes on the disk.
#[derive(Debug, Default, Clone)]
struct Reloads {
    taken: u64,
    refused: u64,
}

impl Metrics {
    /// This snapshot is in use.
    pub fn snapshot_taken(&self, version: &str) {
        self.state().version = Some(version.to_owned());
    }

    /// The core said what is current.
    pub fn snapshot_confirmed(&self) {
        self.state().confirmed = Some(Instant::now());
    }

    /// The core published what the policies refuse.
    pub fn snapshot_refused(&self) {
        self.state().refused += 1;
    }

    /// The core gave no snapshot.
    pub fn snapshot_failed(&self) {
        self.state().failures += 1;
    }

    /// The edge serves with what has changed on the disk.
    pub fn reload_taken(&self) {
        self.reloads().taken += 1;
    }

    /// What has changed on the disk cannot be used.
    pub fn reload_refused(&self) {
        self.reloads().refused += 1;
    }

    fn reloads(&self) -> MutexGuard<'_, Reloads> {
        self.reloads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A worker's connections, and a counter for all that it takes.
    pub fn connections(&self, open: &TaskTracker) -> Arc<Count> {
        let taken = Arc::new(Count::default());
        let mut all = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
        all.push((open.clone(), taken.clone()));
        taken
    }

    fn state(&self) -> MutexGuard<'_, SnapshotState> {
        self.snapshot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
