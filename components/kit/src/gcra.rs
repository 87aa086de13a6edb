//! The generic cell rate algorithm (ITU-T I.371) as arithmetic: what a bucket allows, given when it will
//! be empty again.
//!
//! A bucket's whole memory is one number, its *theoretical arrival time* (TAT): the time at which
//! everything taken so far will have drained. Times are Unix microseconds: fine enough for a million a second,
//! and small enough to be exact in a double, which is what Redis' Lua counts with. Intervals are rounded
//! up, so that rounding never grants more than `burst + limit / window × time`.

use crate::types::{Allowance, Bucket};

/// Takes every bucket's cost from all of the buckets, or from none.
///
/// `tats` holds the buckets' theoretical arrival times (0 for one that is not known) and is changed only if all
/// were allowed. The buckets have keys of their own: the same key twice would be counted once.
/// A state forgets a bucket when its TAT has passed.
pub fn take(buckets: &[Bucket], tats: &mut [u64], now: u64) -> Vec<Allowance> {
    let checks: Vec<Check> =
        buckets.iter().zip(tats.iter()).map(|(bucket, tat)| Check::new(bucket, *tat, now)).collect();
    let taken = checks.iter().all(|check| check.allowed);
    if taken {
        for (tat, check) in tats.iter_mut().zip(&checks) {
            *tat = check.after;
        }
    }
    checks.iter().map(|check| check.allowance(taken, now)).collect()
}

/// One bucket, looked at.
struct Check {
    allowed: bool,
    /// Microseconds that one unit takes to drain.
    interval: u64,
    /// How far the TAT may run ahead of the clock.
    tolerance: u64,
    /// The TAT as it is: never behind the clock, nor ahead of it by more than the tolerance (a clock
    /// that was set back, or a limit that was made smaller, would lock the bucket otherwise).
    before: u64,
    /// The TAT if the cost is taken.
    after: u64,
    /// Microseconds until the cost is allowed.
    wait: u64,
}

impl Check {
    fn new(bucket: &Bucket, tat: u64, now: u64) -> Self {
        let window = bucket.window.saturating_mul(1_000);
        let interval = window.div_ceil(bucket.limit.max(1)).max(1);
        let tolerance = interval.saturating_mul(bucket.burst);
        let before = tat.clamp(now, now.saturating_add(tolerance));
        let after = before.saturating_add(interval.saturating_mul(bucket.cost));
        let wait = if bucket.cost > bucket.burst {
            // Never allowed; the window is as good a time as any.
            window
        } else {
            after.saturating_sub(now).saturating_sub(tolerance)
        };
        Self { allowed: wait == 0, interval, tolerance, before, after, wait }
    }

    fn allowance(&self, taken: bool, now: u64) -> Allowance {
        let tat = if taken { self.after } else { self.before };
        let ahead = tat - now;
        Allowance {
            allowed: self.allowed,
            remaining: self.tolerance.saturating_sub(ahead) / self.interval,
            retry_after: self.wait.div_ceil(1_000),
            reset_after: ahead.div_ceil(1_000),
        }
    }
}
