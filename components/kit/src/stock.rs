//! Allowances that an edge takes in stock, so that it need not ask the shared state for every request.
//!
//! A bucket with a `batch` lets an edge take that much at once and give it out by itself for a second. Everything given
//! out was taken before; but it is given out up to a second later than it was counted, and what is not asked for within
//! that second is lost. So in any window the edges together let through at the most one batch for each holder of a stock
//! (a worker of edge-host, an instance under Spin) more than the limit says, and up to one batch for each holder and
//! second less.

use std::collections::HashMap;

use crate::types::{Allowance, Bucket};

/// How long a stock is good, in milliseconds.
const LIFE: u64 = 1_000;

/// Stocks that are kept. When there are more, those that are too old go.
const MOST: usize = 10_000;

/// One holder's stocks.
#[derive(Debug, Default)]
pub struct Stock {
    of: HashMap<String, Batch>,
}

#[derive(Debug)]
struct Batch {
    left: u64,
    /// Milliseconds, on the clock of whoever calls.
    until: u64,
    /// What the state said when it gave the batch.
    said: Allowance,
}

impl Stock {
    /// What the buckets allow, if all of it is in stock. A single bucket that is counted exactly has the state asked, and
    /// then for all of them.
    pub fn take(&mut self, buckets: &[Bucket], now: u64) -> Option<Vec<Allowance>> {
        let in_stock = |bucket: &Bucket| {
            let batch = self.of.get(&bucket.key).filter(|_| bucket.batch > 0);
            batch.is_some_and(|batch| now < batch.until && batch.left >= bucket.cost)
        };
        if buckets.is_empty() || !buckets.iter().all(in_stock) {
            return None;
        }
        let allowances = buckets.iter().map(|bucket| {
            let batch = self.of.get_mut(&bucket.key)?;
            batch.left -= bucket.cost;
            Some(Allowance { remaining: batch.said.remaining + batch.left, ..batch.said.clone() })
        });
        allowances.collect()
    }

    /// What to ask the state for instead of these buckets, to have the next requests in stock; nothing if there is nothing
    /// to gain.
    pub fn order(buckets: &[Bucket]) -> Option<Vec<Bucket>> {
        let worth = |bucket: &Bucket| bucket.batch > bucket.cost && bucket.batch <= bucket.burst;
        if !buckets.iter().all(worth) {
            return None;
        }
        Some(buckets.iter().map(|bucket| Bucket { cost: bucket.batch, ..bucket.clone() }).collect())
    }

    /// Puts in stock what the order brought besides what the request itself takes, if it brought anything. The answer is
    /// what the request is told.
    pub fn put(&mut self, buckets: &[Bucket], allowances: Vec<Allowance>, now: u64) -> Option<Vec<Allowance>> {
        if allowances.len() != buckets.len() || !allowances.iter().all(|allowance| allowance.allowed) {
            return None;
        }
        if self.of.len() + buckets.len() > MOST {
            self.of.retain(|_, batch| now < batch.until);
            if self.of.len() + buckets.len() > MOST {
                self.of.clear();
            }
        }
        let told = buckets.iter().zip(allowances).map(|(bucket, said)| {
            let left = bucket.batch - bucket.cost;
            let told = Allowance { remaining: said.remaining + left, ..said.clone() };
            self.of.insert(bucket.key.clone(), Batch { left, until: now + LIFE, said });
            told
        });
        Some(told.collect())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::gcra;

    /// 600 a minute, 100 at once, ten in stock.
    fn bucket() -> Bucket {
        Bucket { key: "k".into(), name: "n".into(), limit: 600, window: 60_000, burst: 100, cost: 1, batch: 10 }
    }

    /// Edges with a stock each over one state; what each request was told.
    struct Edges {
        stocks: Vec<Stock>,
        tat: u64,
        asked: u64,
    }

    impl Edges {
        fn request(&mut self, edge: usize, now: u64) -> bool {
            let buckets = [bucket()];
            if let Some(told) = self.stocks[edge].take(&buckets, now) {
                return told[0].allowed;
            }
            let mut ask = |buckets: &[Bucket]| {
                self.asked += 1;
                gcra::take(buckets, std::slice::from_mut(&mut self.tat), now * 1_000)
            };
            let ordered = ask(&Stock::order(&buckets).unwrap());
            match self.stocks[edge].put(&buckets, ordered, now) {
                Some(told) => told[0].allowed,
                None => ask(&buckets)[0].allowed,
            }
        }
    }

    #[test]
    fn the_error_is_within_a_batch_for_each_holder() {
        let edges = 4;
        let mut all = Edges { stocks: (0..edges).map(|_| Stock::default()).collect(), tat: 0, asked: 0 };
        let (mut allowed, mut requests) = (Vec::new(), 0);
        // A minute at 200 a second, twenty times what is allowed.
        for now in (1_790_000_000_000..1_790_000_060_000u64).step_by(5) {
            requests += 1;
            if all.request((now / 5 % edges) as usize, now) {
                allowed.push(now);
            }
        }
        // The burst and a minute's worth.
        let exact = 100 + 600;
        let error = edges * 10;
        let count = allowed.len() as u64;
        assert!((exact - error..=exact + error).contains(&count), "{count} of {requests}");
        // The same of every window of ten seconds after the burst.
        for start in (1_790_000_010_000..1_790_000_050_000u64).step_by(1_000) {
            let count = allowed.iter().filter(|at| (start..start + 10_000).contains(*at)).count() as u64;
            assert!((100 - error..=100 + error).contains(&count), "{count} from {start}");
        }
    }

    #[test]
    fn while_there_is_plenty_the_state_is_asked_once_a_batch() {
        let mut one = Edges { stocks: vec![Stock::default()], tat: 0, asked: 0 };
        for _ in 0..100 {
            assert!(one.request(0, 1_790_000_000_000));
        }
        assert_eq!(one.asked, 10);
    }

    #[test]
    fn what_is_exact_or_old_is_asked_about() {
        let mut stock = Stock::default();
        let allowance = Allowance { allowed: true, remaining: 90, retry_after: 0, reset_after: 1 };
        let told = stock.put(&[bucket()], vec![allowance], 0).unwrap();
        assert_eq!(told[0].remaining, 99);
        let exact = Bucket { key: "e".into(), batch: 0, ..bucket() };
        assert_eq!(stock.take(&[bucket(), exact.clone()], 1), None);
        assert_eq!(Stock::order(&[bucket(), exact]), None);
        assert_eq!(Stock::order(&[Bucket { batch: 1, ..bucket() }]), None);
        assert_eq!(stock.take(&[bucket()], 999).unwrap()[0].remaining, 98);
        assert_eq!(stock.take(&[bucket()], 1_000), None);
    }
}
