//! How many tries may be repetitions: without a bound, an upstream that is merely slow would get twice the requests.
//!
//! A share of the requests of the last seconds, so that what was under way at an endpoint that is killed can be repeated
//! at once; and a few whatever the traffic is.

/// What one repetition costs.
const PER_TRY: u64 = 1000;

/// What may be spent whatever the traffic was: ten repetitions at once, and one a second from then on.
const RESERVE: u64 = 10 * PER_TRY;

/// Milliseconds after which requests no longer count.
const WINDOW: u64 = 10_000;

/// A budget of one upstream.
#[derive(Debug)]
pub struct RetryBudget {
    percent: u32,
    left: u64,
    /// When it was last reckoned, and the requests since then: a request costs no more than being counted.
    reckoned: u64,
    requests: u64,
}

impl RetryBudget {
    /// So many of a hundred. 0 is none at all.
    pub fn new(percent: u32, now: u64) -> Self {
        Self { percent, left: RESERVE, reckoned: now, requests: 0 }
    }

    /// A request that is no repetition.
    pub fn request(&mut self) {
        self.requests += 1;
    }

    /// Whether there may be a repetition now.
    pub fn take(&mut self, now: u64) -> bool {
        if self.percent == 0 {
            return false;
        }
        self.reckon(now);
        let enough = self.left >= PER_TRY;
        if enough {
            self.left -= PER_TRY;
        }
        enough
    }

    fn reckon(&mut self, now: u64) {
        let passed = now.saturating_sub(self.reckoned);
        // Of what was earned before, and of the requests since then, only the window's part still counts.
        let above = self.left.saturating_sub(RESERVE).saturating_mul(WINDOW - passed.min(WINDOW)) / WINDOW;
        let earned = self.requests.saturating_mul(u64::from(self.percent) * PER_TRY / 100);
        let earned = if passed > WINDOW { earned.saturating_mul(WINDOW) / passed } else { earned };
        let reserve = self.left.min(RESERVE).saturating_add(passed).min(RESERVE);
        self.left = reserve.saturating_add(above).saturating_add(earned);
        (self.reckoned, self.requests) = (now, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spend(budget: &mut RetryBudget, now: u64) -> usize {
        (0..10_000).take_while(|_| budget.take(now)).count()
    }

    fn after(requests: usize) -> RetryBudget {
        let mut budget = RetryBudget::new(20, 0);
        for _ in 0..requests {
            budget.request();
        }
        budget
    }

    #[test]
    fn a_share_of_the_requests() {
        let mut budget = RetryBudget::new(20, 0);
        let repeated = (0..1000)
            .filter(|_| {
                budget.request();
                budget.take(0)
            })
            .count();
        assert_eq!(repeated, 10 + 200, "the reserve, and a fifth");
    }

    #[test]
    fn what_was_under_way_can_be_repeated_at_once() {
        assert_eq!(spend(&mut after(1000), 5_000), 10 + 200);
        assert_eq!(spend(&mut after(1000), 20_000), 10 + 100, "half of them are too long ago");
        let mut budget = after(1000);
        assert!(budget.take(0));
        assert_eq!(spend(&mut budget, 5_000), 10 + 99, "what is not spent is forgotten");
    }

    #[test]
    fn a_trickle_without_traffic() {
        let mut budget = RetryBudget::new(20, 0);
        assert_eq!(spend(&mut budget, 0), 10);
        assert!(!budget.take(999));
        assert!(budget.take(1000));
        assert!(!budget.take(1999));
        assert!(budget.take(2000));
        assert_eq!(spend(&mut budget, u64::MAX), 10, "a long pause saves up no more than the reserve");
    }

    #[test]
    fn none_is_none() {
        assert!(!RetryBudget::new(0, 0).take(u64::MAX));
    }
}
