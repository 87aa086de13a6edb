//! How long a failed job waits for its next attempt.

use std::time::Duration;

/// `first` doubled with every attempt, at most `longest`, and of that between half and all: `chance` (0 to 255)
/// spreads jobs that failed together.
pub(super) fn pause(attempt: u32, first: Duration, longest: Duration, chance: u8) -> Duration {
    let doublings = attempt.saturating_sub(1).min(31);
    let full = first.saturating_mul(1 << doublings).min(longest);
    full / 2 + full / 2 * u32::from(chance) / 255
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let full = |attempt| pause(attempt, Duration::from_secs(1), Duration::from_secs(60), 255).as_secs();
        assert_eq!([full(1), full(2), full(3), full(7), full(8), full(u32::MAX)], [1, 2, 4, 60, 60, 60]);
    }

    #[test]
    fn chance_takes_at_most_half() {
        let pause = |chance| pause(1, Duration::from_secs(2), Duration::from_secs(60), chance);
        assert_eq!(pause(0), Duration::from_secs(1));
        assert!(pause(100) > pause(50));
    }
}
