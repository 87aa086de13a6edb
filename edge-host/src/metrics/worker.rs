//! What one worker counts.

use std::sync::Arc;
use std::time::Duration;

use breakwater_pipeline::{Exchange, Failure};

use super::cell::{POLICIES, REQUESTS};
use super::{CacheLabel, Count, Histogram, Metrics, Own, POLICY_NAMES};
use crate::tunnel::ENDS;

/// Routes, upstreams and the like that are told apart; the rest is counted under `other`.
const MOST_NAMES: usize = 2_000;

/// Reasons of a cache that are told apart; ours has fewer, another component may have any.
const MOST_REASONS: usize = 64;

/// Of one route.
#[derive(Debug)]
pub struct RouteMeter {
    /// Answers by the first digit of their status.
    pub statuses: [Count; 6],
    /// From the request's head to the answer's.
    pub durations: Histogram,
    /// Refusals by who refused, as [`REFUSERS`] has them.
    pub refusals: [Count; REFUSERS.len()],
}

/// Who refuses, in the pipeline's words.
pub const REFUSERS: [&str; 6] = ["request", "routing", "rate-limiting", "authentication", "caching", "upstream"];

/// Of one upstream.
#[derive(Debug)]
pub struct UpstreamMeter {
    /// How requests ended, as [`OUTCOMES`] has them.
    pub outcomes: [Count; OUTCOMES.len()],
    /// Until the head of the answer.
    pub durations: Histogram,
}

/// How a request to an upstream can end.
pub const OUTCOMES: [&str; 9] = [
    "answered",
    "unavailable",
    "timeout",
    "bad-answer",
    "body-too-large",
    "body-timeout",
    "body-broken",
    "forbidden",
    "overloaded",
];

/// How a request to an upstream ended: the place of its name in [`OUTCOMES`].
#[derive(Debug, Clone, Copy)]
pub struct Outcome(usize);

/// Of one pool of connections.
#[derive(Debug, Default)]
pub struct PoolMeter {
    /// Connections that were made.
    pub opened: Count,
    /// Requests that went over one that was there.
    pub reused: Count,
    /// Requests that were tried again.
    pub retried: Count,
    /// Connections that wait for the next request.
    pub waiting: Count,
}

/// Of the tunnels of one route.
#[derive(Debug, Default)]
pub struct TunnelMeter {
    /// Tunnels so far.
    pub opened: Count,
    /// Of them, those that have ended, as [`ENDS`] has them.
    pub ended: [Count; ENDS.len()],
    /// Bytes that went to clients.
    pub to_client: Count,
    /// Bytes that came from them.
    pub to_upstream: Count,
}

/// Of one policy.
#[derive(Debug)]
pub struct PolicyMeter {
    /// Calls.
    pub durations: Histogram,
    /// Calls that trapped, took too long or took too much memory.
    pub failures: Count,
}

impl Default for RouteMeter {
    fn default() -> Self {
        Self { statuses: Default::default(), durations: Histogram::new(REQUESTS), refusals: Default::default() }
    }
}

impl Default for UpstreamMeter {
    fn default() -> Self {
        Self { outcomes: Default::default(), durations: Histogram::new(REQUESTS) }
    }
}

impl Default for PolicyMeter {
    fn default() -> Self {
        Self { durations: Histogram::new(POLICIES), failures: Count::default() }
    }
}

impl<T> From<&Result<T, Failure>> for Outcome {
    fn from(ended: &Result<T, Failure>) -> Self {
        Self(match ended {
            Ok(_) => 0,
            Err(Failure::Unavailable) => 1,
            Err(Failure::Timeout) => 2,
            Err(Failure::BadAnswer) => 3,
            Err(Failure::BodyTooLarge) => 4,
            Err(Failure::BodyTimeout) => 5,
            Err(Failure::BodyBroken) => 6,
            Err(Failure::Forbidden) => 7,
            Err(Failure::Overloaded) => 8,
        })
    }
}

impl UpstreamMeter {
    /// A request ended so, after this time.
    pub fn ended(&self, Outcome(outcome): Outcome, took: Duration) {
        self.outcomes[outcome].one();
        if outcome == 0 {
            self.durations.observe(took);
        }
    }
}

/// One worker's counters.
pub struct WorkerMetrics {
    routes: Own<String, RouteMeter>,
    upstreams: Own<String, UpstreamMeter>,
    pools: Own<String, PoolMeter>,
    caches: Own<CacheLabel, Count>,
    limits: Own<String, Count>,
    tunnels: Own<String, TunnelMeter>,
    /// Of the policies, in the order of the manifest.
    pub policies: [Arc<PolicyMeter>; 5],
}

impl WorkerMetrics {
    /// Read together with those of other workers.
    pub fn new(all: &Metrics) -> Self {
        let other = || "other".to_owned();
        let policies = Own::new(&all.policies, POLICY_NAMES.len(), POLICY_NAMES[0]);
        Self {
            routes: Own::new(&all.routes, MOST_NAMES, other()),
            upstreams: Own::new(&all.upstreams, MOST_NAMES, other()),
            pools: Own::new(&all.pools, MOST_NAMES, other()),
            caches: Own::new(&all.caches, MOST_REASONS, ("other", String::new())),
            limits: Own::new(&all.limits, MOST_NAMES, other()),
            tunnels: Own::new(&all.tunnels, MOST_NAMES, other()),
            policies: POLICY_NAMES.map(|name| policies.get(&name)),
        }
    }

    /// A request was answered.
    pub fn answered(&self, exchange: &Exchange, status: u16, took: Duration) {
        let route = self.routes.get(exchange.route().unwrap_or("none"));
        route.statuses[usize::from(status / 100).min(5)].one();
        route.durations.observe(took);
        if let Some(by) = exchange.refused_by() {
            if let Some(index) = REFUSERS.iter().position(|name| *name == by) {
                route.refusals[index].one();
            }
            for limit in exchange.exhausted() {
                self.limits.get(limit).one();
            }
        }
        if let Some(cache) = exchange.cache() {
            self.caches.get(&(cache.result, cache.reason.clone().unwrap_or_default())).one();
        }
    }

    /// Of a route's tunnels.
    pub fn tunnel(&self, route: &str) -> Arc<TunnelMeter> {
        self.tunnels.get(route)
    }

    /// Of an upstream, by its name in the snapshot.
    pub fn upstream(&self, name: &str) -> Arc<UpstreamMeter> {
        self.upstreams.get(name)
    }

    /// Of the connections to an origin.
    pub fn pool(&self, origin: &str) -> Arc<PoolMeter> {
        self.pools.get(origin)
    }
}
