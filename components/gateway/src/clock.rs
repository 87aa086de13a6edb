//! Time, randomness and waiting, from the host.

use std::pin::pin;
use std::time::Duration;

use breakwater_pipeline::Seed;
use futures_util::future::{Either, select};
use spin_sdk::wasip3::clocks::{monotonic_clock, system_clock};
use spin_sdk::wasip3::random::random as source;

/// Unix milliseconds.
pub fn now_ms() -> u64 {
    let now = system_clock::now();
    let seconds = u64::try_from(now.seconds).unwrap_or(0);
    seconds * 1000 + u64::from(now.nanoseconds / 1_000_000)
}

/// Unix seconds.
pub fn now() -> u64 {
    now_ms() / 1000
}

/// Milliseconds on a clock that is never set.
pub fn uptime_ms() -> u64 {
    monotonic_clock::now() / 1_000_000
}

/// Random bytes for the names of one request.
pub fn seed() -> Seed {
    let mut bytes = [0; 34];
    bytes.copy_from_slice(&source::get_random_bytes(34)[..34]);
    Seed(bytes)
}

/// A random number.
pub fn random() -> u64 {
    source::get_random_u64()
}

/// The future's result, unless it takes longer than so many milliseconds.
pub async fn within<T>(milliseconds: u32, future: impl Future<Output = T>) -> Option<T> {
    let time = pin!(spin_sdk::time::sleep(Duration::from_millis(milliseconds.into())));
    match select(pin!(future), time).await {
        Either::Left((result, _)) => Some(result),
        Either::Right(_) => None,
    }
}
