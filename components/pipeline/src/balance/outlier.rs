//! Passive health: an endpoint at which request after request fails is left alone for a while.

use crate::upstreams::Ejection;

/// The longest that an endpoint is ejected, as a multiple of the first time.
const LONGEST: u64 = 8;

/// What is known of one endpoint by what became of requests.
#[derive(Debug, Default)]
pub struct Outlier {
    failures: u32,
    /// When it gets requests again.
    until: u64,
    /// Ejections in a row.
    times: u32,
}

impl Outlier {
    /// A request was answered.
    pub fn succeeded(&mut self) {
        self.failures = 0;
        self.times = 0;
    }

    /// A request failed. True if the endpoint is ejected from now on.
    ///
    /// `others` says how many of how many endpoints are out already.
    pub fn failed(&mut self, now: u64, rules: &Ejection, others: (usize, usize)) -> bool {
        self.failures = self.failures.saturating_add(1);
        let (out, all) = others;
        if rules.consecutive_failures == 0 || self.failures < rules.consecutive_failures || self.is_out(now) {
            return false;
        }
        // One may always go, if there are others: of two endpoints half is one, of three a tenth is none.
        let allowed = (all * rules.max_percent as usize / 100).max(1);
        if out >= allowed || all < 2 {
            return false;
        }
        let time = rules.time.saturating_mul(1u64.checked_shl(self.times).unwrap_or(LONGEST).min(LONGEST));
        self.until = now.saturating_add(time);
        self.times = self.times.saturating_add(1);
        // When it comes back, one more failure sends it away again.
        self.failures = rules.consecutive_failures - 1;
        true
    }

    /// Whether it is ejected.
    pub fn is_out(&self, now: u64) -> bool {
        now < self.until
    }

    /// When its ejection ended, or ends; 0 if it never was ejected.
    pub fn back_at(&self) -> u64 {
        self.until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: Ejection = Ejection { consecutive_failures: 3, time: 100, max_percent: 50 };

    #[test]
    fn three_in_a_row() {
        let mut one = Outlier::default();
        assert!(!one.failed(0, &RULES, (0, 2)));
        assert!(!one.failed(0, &RULES, (0, 2)));
        one.succeeded();
        assert!(!one.failed(0, &RULES, (0, 2)));
        assert!(!one.failed(0, &RULES, (0, 2)));
        assert!(one.failed(0, &RULES, (0, 2)));
        assert!(one.is_out(99) && !one.is_out(100));
    }

    #[test]
    fn each_time_longer_until_one_succeeds() {
        let mut one = Outlier::default();
        let mut now = 0;
        let mut times = Vec::new();
        for _ in 0..6 {
            while !one.failed(now, &RULES, (0, 2)) {}
            times.push(one.back_at() - now);
            now = one.back_at();
        }
        assert_eq!(times, [100, 200, 400, 800, 800, 800]);
        one.succeeded();
        while !one.failed(now, &RULES, (0, 2)) {}
        assert_eq!(one.back_at() - now, 100);
    }

    #[test]
    fn a_trial_that_fails_is_enough() {
        let mut one = Outlier::default();
        while !one.failed(0, &RULES, (0, 2)) {}
        assert!(one.failed(100, &RULES, (0, 2)));
    }

    #[test]
    fn never_too_many() {
        for (max_percent, out, all, wanted) in [
            (50, 0, 1, false),
            (50, 0, 2, true),
            (50, 1, 2, false),
            (50, 1, 4, true),
            (50, 2, 4, false),
            (10, 0, 3, true),
            (10, 1, 3, false),
            (100, 2, 3, true),
            (100, 3, 3, false),
        ] {
            let rules = Ejection { consecutive_failures: 1, max_percent, ..RULES };
            let ejected = Outlier::default().failed(0, &rules, (out, all));
            assert_eq!(ejected, wanted, "{out} of {all} are out, {max_percent} % may be");
        }
        let never = Ejection { consecutive_failures: 0, ..RULES };
        assert!(!Outlier::default().failed(0, &never, (0, 2)));
    }
}
