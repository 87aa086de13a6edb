//! Slow start.

/// What an endpoint counts for that has been back for so long, of its full 100: a tenth at first, then evenly more.
pub fn ramp(since: u64, slow_start: u64) -> u32 {
    if since >= slow_start {
        return 100;
    }
    // Within bounds: `since` is less than `slow_start`.
    10 + (90 * u128::from(since) / u128::from(slow_start)) as u32
}

#[cfg(test)]
mod tests {
    use super::ramp;

    #[test]
    fn it_rises_to_the_whole() {
        for (since, slow_start, wanted) in
            [(0, 0, 100), (0, 1000, 10), (500, 1000, 55), (999, 1000, 99), (1000, 1000, 100), (u64::MAX, 1, 100)]
        {
            assert_eq!(ramp(since, slow_start), wanted, "{since} of {slow_start}");
        }
        let rises = (0..1000).all(|since| ramp(since, 1000) <= ramp(since + 1, 1000));
        assert!(rises);
        assert_eq!(ramp(u64::MAX - 1, u64::MAX), 99);
    }
}
