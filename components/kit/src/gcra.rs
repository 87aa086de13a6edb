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
        let never = bucket.limit == 0 || bucket.window == 0 || bucket.cost > bucket.burst;
        let wait = if never {
            // No time is the right one to come back.
            window.max(1_000_000)
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

/// Seconds after which a request that was refused is worth repeating: at least one, for a client that comes back at once
/// would be refused again.
pub fn retry_seconds(allowance: &Allowance) -> u64 {
    whole_seconds(allowance.retry_after).max(1)
}

/// Seconds after which another of the requests at once may have ended; nobody can know.
pub const BUSY_RETRY_SECONDS: u64 = 1;

/// Milliseconds as whole seconds, rounded up, as `retry-after` and the headers about limits have them.
pub fn whole_seconds(milliseconds: u64) -> u64 {
    milliseconds.div_ceil(1_000)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: u64 = 1_790_000_000_000_000;
    const SECOND: u64 = 1_000_000;

    fn bucket(limit: u64, window: u64, burst: u64, cost: u64) -> Bucket {
        Bucket { key: "k".into(), name: "n".into(), limit, window, burst, cost, batch: 0 }
    }

    fn once(bucket: &Bucket, tat: &mut u64, now: u64) -> Allowance {
        take(std::slice::from_ref(bucket), std::slice::from_mut(tat), now).remove(0)
    }

    #[test]
    fn a_burst_and_then_the_rate() {
        // 60 a minute, 3 at once: one a second.
        let bucket = bucket(60, 60_000, 3, 1);
        let mut tat = 0;
        for (at, allowed, remaining, retry_after, reset_after) in [
            (0, true, 2, 0, 1_000),
            (0, true, 1, 0, 2_000),
            (0, true, 0, 0, 3_000),
            (0, false, 0, 1_000, 3_000),
            (SECOND / 2, false, 0, 500, 2_500),
            (SECOND - 1, false, 0, 1, 2_001),
            (SECOND, true, 0, 0, 3_000),
            (2 * SECOND, true, 0, 0, 3_000),
            (60 * SECOND, true, 2, 0, 1_000),
        ] {
            let expected = Allowance { allowed, remaining, retry_after, reset_after };
            assert_eq!(once(&bucket, &mut tat, NOW + at), expected, "at {at}");
        }
    }

    #[test]
    fn all_or_nothing() {
        let buckets = [bucket(60, 60_000, 10, 1), bucket(60, 60_000, 1, 1)];
        let mut tats = [0, 0];
        assert!(take(&buckets, &mut tats, NOW).iter().all(|allowance| allowance.allowed));
        let before = tats;
        let answer = take(&buckets, &mut tats, NOW);
        assert_eq!(tats, before);
        assert_eq!((answer[0].allowed, answer[0].remaining), (true, 9));
        assert_eq!((answer[1].allowed, answer[1].retry_after), (false, 1_000));
    }

    #[test]
    fn odd_buckets_neither_panic_nor_grant() {
        let mut tat = 0;
        // A cost beyond the burst is never allowed, and costs nothing.
        let dear = once(&bucket(60, 60_000, 3, 4), &mut tat, NOW);
        assert_eq!((dear.allowed, dear.remaining, dear.retry_after, tat), (false, 3, 60_000, 0));
        // A limit of nothing is nothing.
        assert!(!once(&bucket(60, 60_000, 0, 1), &mut tat, NOW).allowed);
        assert!(!once(&bucket(0, 60_000, 1, 1), &mut tat, NOW).allowed);
        assert!(!once(&bucket(60, 0, 1, 1), &mut tat, NOW).allowed);
        once(&bucket(u64::MAX, u64::MAX, u64::MAX, u64::MAX), &mut tat, u64::MAX);
    }

    #[test]
    fn a_clock_set_back_locks_nobody_out() {
        let bucket = bucket(60, 60_000, 3, 1);
        let mut tat = NOW + 1_000_000 * SECOND;
        assert_eq!(once(&bucket, &mut tat, NOW).retry_after, 1_000);
        assert!(once(&bucket, &mut NOW.clone(), NOW).allowed);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(500))]

        /// In any window: never more than the burst and what the rate gives.
        #[test]
        fn never_more_than_burst_and_rate(
            limit in 1u64..100_000,
            window in 1u64..100_000,
            burst in 1u64..50,
            gaps in prop::collection::vec(0u64..3_000_000, 1..200),
        ) {
            let bucket = bucket(limit, window, burst, 1);
            let (mut tat, mut now) = (0, NOW);
            let mut granted: Vec<u64> = Vec::new();
            for gap in gaps {
                now += gap / limit;
                let allowance = once(&bucket, &mut tat, now);
                if allowance.allowed {
                    granted.push(now);
                } else {
                    // What it promised comes true.
                    let mut later = tat;
                    prop_assert!(once(&bucket, &mut later, now + allowance.retry_after * 1_000).allowed);
                }
            }
            for (first, start) in granted.iter().enumerate() {
                for (last, end) in granted.iter().enumerate().skip(first) {
                    let count = (last - first + 1) as u128;
                    let rate = u128::from(end - start) * u128::from(limit) / (u128::from(window) * 1_000);
                    prop_assert!(count <= u128::from(burst) + rate, "{count} in {}", end - start);
                }
            }
        }

        /// At once: the burst, and no more.
        #[test]
        fn exactly_the_burst_at_once(limit in 1u64..5_000_000, window in 1u64..100_000_000, burst in 0u64..300) {
            let bucket = bucket(limit, window, burst, 1);
            let mut tat = 0;
            let granted = (0..burst + 5).filter(|_| once(&bucket, &mut tat, NOW).allowed).count() as u64;
            prop_assert_eq!(granted, burst);
        }
    }
}
