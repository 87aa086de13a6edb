//! The native shell of the edge: sockets, TLS, upstreams and state around the sandboxed policies.
//!
//! It decides nothing about a request. The pipeline says what to do next, the policies are WebAssembly components that
//! import nothing, and this crate carries out effects: it reads the same manifest as Spin does ([`manifest`]), runs the
//! policies ([`policies`]), listens and answers ([`server`]), asks upstreams ([`upstream`]), remembers ([`state`]),
//! follows the core's snapshot ([`snapshot`]), carries WebSockets ([`tunnel`]), and counts ([`metrics`]).
//! What it is made of ([`setup`]) is exchanged while it serves ([`reload`]).
//!
//! Rules that hold in here:
//! - One thread per worker, and nothing shared between workers on a request's way but the state's shards.
//! - Bodies are streamed. Only what the cache keeps is held whole, up to its limit.
//! - A policy has no import, little time and little memory; one that fails is made anew.
//! - Only hosts that the manifest allows are reached.

pub mod collapse;
pub mod host;
pub mod logging;
pub mod manifest;
pub mod metrics;
pub mod options;
pub mod policies;
pub mod reload;
pub mod server;
pub mod setup;
pub mod snapshot;
pub mod state;
pub mod tls;
pub mod traces;
pub mod tunnel;
pub mod upstream;
pub mod worker;

use std::sync::LazyLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

fn since_epoch() -> Duration {
    // A clock before 1970 is as good as 1970.
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Unix seconds.
fn now_s() -> u64 {
    since_epoch().as_secs()
}

/// Unix milliseconds.
fn now_ms() -> u64 {
    since_epoch().as_millis() as u64
}

/// Unix microseconds.
fn now_us() -> u64 {
    since_epoch().as_micros() as u64
}

/// Milliseconds on a clock that is never set.
fn uptime_ms() -> u64 {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    START.elapsed().as_millis() as u64
}
