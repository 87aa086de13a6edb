//! What is counted into: one thread writes, any thread may read, and nobody waits.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A number that one thread alone changes.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    /// Adds.
    pub fn add(&self, more: u64) {
        // With one writer a load and a store lose nothing, and cost less than one locked addition.
        self.set(self.get().wrapping_add(more));
    }

    /// One more.
    pub fn one(&self) {
        self.add(1);
    }

    /// Puts another number in its place.
    pub fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    /// The number now.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How long requests take: upper bounds in microseconds.
pub const REQUESTS: &[u64] = &[
    250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000,
    10_000_000,
];

/// How long a policy takes to answer.
pub const POLICIES: &[u64] = &[2, 5, 10, 20, 50, 100, 200, 500, 1_000, 5_000, 20_000, 50_000];

/// How often something took how long.
#[derive(Debug)]
pub struct Histogram {
    bounds: &'static [u64],
    /// One for each bound, and one for what is over all.
    buckets: Box<[Count]>,
    /// Nanoseconds.
    sum: Count,
}

impl Histogram {
    /// With these upper bounds, in microseconds.
    pub fn new(bounds: &'static [u64]) -> Self {
        Self { bounds, buckets: (0..=bounds.len()).map(|_| Count::default()).collect(), sum: Count::default() }
    }

    /// It took so long.
    pub fn observe(&self, took: Duration) {
        let micros = took.as_micros();
        let index = self.bounds.partition_point(|bound| u128::from(*bound) < micros);
        self.buckets[index].one();
        self.sum.add(took.as_nanos() as u64);
    }
}

/// Several histograms of the same bounds, added up.
#[derive(Debug, Default, PartialEq)]
pub struct Total {
    /// Seconds.
    pub sum: f64,
    /// How often.
    pub count: u64,
    /// Upper bound in seconds, and how many are above the one before.
    pub buckets: Vec<(f64, u64)>,
}

impl Total {
    /// Adds up.
    pub fn of<'a>(all: impl Iterator<Item = &'a Histogram>) -> Self {
        let mut total = Self::default();
        for histogram in all {
            total.sum += histogram.sum.get() as f64 / 1e9;
            let seconds = |bound: &u64| *bound as f64 / 1e6;
            let bounds = histogram.bounds.iter().map(seconds).chain([f64::INFINITY]);
            for (index, (bound, bucket)) in bounds.zip(&histogram.buckets).enumerate() {
                if index == total.buckets.len() {
                    total.buckets.push((bound, 0));
                }
                total.buckets[index].1 += bucket.get();
                total.count += bucket.get();
            }
        }
        total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_belongs_to_its_bucket() {
        let (one, other) = (Histogram::new(&[2, 5]), Histogram::new(&[2, 5]));
        for micros in [1, 2, 3] {
            one.observe(Duration::from_micros(micros));
        }
        other.observe(Duration::from_micros(6));
        let total = Total::of([&one, &other].into_iter());
        assert_eq!(total.buckets, [(2e-6, 2), (5e-6, 1), (f64::INFINITY, 1)]);
        assert_eq!(total.count, 4);
        assert!((total.sum - 12e-6).abs() < 1e-12, "{}", total.sum);
    }
}
