//! `state` in this process: bounded, expiring, shared by all workers.
//!
//! Keys are spread over shards with a lock each, held for nanoseconds. What is over the bound goes: stored responses by
//! second chance (what was not asked for since it last came up goes first), allowances those that are nearest to full.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use breakwater_kit::gcra;
use breakwater_kit::types::{Allowance, Bucket};
use breakwater_pipeline::Entry;
use bytes::Bytes;

use super::leases::Leases;

const SHARDS: usize = 32;

/// Allowances that are remembered: a megabyte holds about ten thousand.
const MAX_ALLOWANCES: usize = 128 * 1024;

/// What an entry costs besides its key and value, roughly.
const OVERHEAD: usize = 160;

/// `state` in this process.
pub struct Memory {
    hasher: RandomState,
    shards: [Mutex<Shard>; SHARDS],
    pub(super) leases: Leases,
    max_bytes: usize,
    max_allowances: usize,
}

#[derive(Default)]
struct Shard {
    values: HashMap<Arc<str>, Value>,
    /// Every value once, and some that are gone.
    order: VecDeque<(Arc<str>, u64)>,
    bytes: usize,
    /// Counts what was ever stored, to tell an old place in the order from a new one.
    serial: u64,
    /// Theoretical arrival times in Unix microseconds.
    arrivals: HashMap<String, u64>,
}

struct Value {
    value: Bytes,
    /// Unix milliseconds.
    until: u64,
    serial: u64,
    used: bool,
}

impl Memory {
    /// Remembers at most this many bytes of values.
    pub fn new(max_bytes: usize) -> Self {
        Self::bounded(max_bytes, MAX_ALLOWANCES)
    }

    fn bounded(max_bytes: usize, max_allowances: usize) -> Self {
        Self {
            hasher: RandomState::new(),
            shards: std::array::from_fn(|_| Mutex::default()),
            leases: Leases::default(),
            max_bytes: max_bytes / SHARDS,
            max_allowances: max_allowances / SHARDS,
        }
    }

    fn index(&self, key: &str) -> usize {
        self.hasher.hash_one(key) as usize % SHARDS
    }

    fn lock(&self, index: usize) -> MutexGuard<'_, Shard> {
        // A panic in here would be a bug, but not one that makes what is stored wrong.
        self.shards[index].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is stored under a key at this Unix millisecond.
    pub fn get(&self, key: &str, now_ms: u64) -> Option<Bytes> {
        let mut shard = self.lock(self.index(key));
        let value = shard.values.get_mut(key)?;
        if value.until <= now_ms {
            shard.remove(key);
            return None;
        }
        value.used = true;
        Some(value.value.clone())
    }

    /// Stores a value.
    pub fn set(&self, entry: Entry, now_ms: u64) {
        let mut shard = self.lock(self.index(&entry.key));
        let size = size(&entry.key, &entry.value);
        shard.remove(&entry.key);
        if size > self.max_bytes {
            return;
        }
        shard.make_room(self.max_bytes - size, now_ms);
        shard.serial += 1;
        let key: Arc<str> = entry.key.into();
        let value =
            Value { value: entry.value, until: now_ms.saturating_add(entry.ttl), serial: shard.serial, used: false };
        shard.order.push_back((key.clone(), value.serial));
        shard.values.insert(key, value);
        shard.bytes += size;
    }

    /// Takes from all buckets or from none, at this Unix microsecond.
    pub fn take(&self, buckets: &[Bucket], now_us: u64) -> Vec<Allowance> {
        // Locks in the order of their index, so that two requests cannot wait for each other.
        let places: Vec<usize> = buckets.iter().map(|bucket| self.index(&bucket.key)).collect();
        let mut locked: Vec<usize> = places.clone();
        locked.sort_unstable();
        locked.dedup();
        let mut shards: Vec<MutexGuard<'_, Shard>> = locked.iter().map(|index| self.lock(*index)).collect();
        // Every place is among the locked ones.
        let at = |place: &usize| locked.binary_search(place).unwrap_or_default();

        let mut arrivals: Vec<u64> = buckets
            .iter()
            .zip(&places)
            .map(|(bucket, place)| shards[at(place)].arrivals.get(&bucket.key).copied().unwrap_or(0))
            .collect();
        let allowances = gcra::take(buckets, &mut arrivals, now_us);
        if allowances.iter().all(|allowance| allowance.allowed) {
            for ((bucket, place), arrival) in buckets.iter().zip(&places).zip(arrivals) {
                shards[at(place)].arrive(&bucket.key, arrival, now_us, self.max_allowances);
            }
        }
        allowances
    }
}

fn size(key: &str, value: &Bytes) -> usize {
    key.len() + value.len() + OVERHEAD
}

impl Shard {
    fn remove(&mut self, key: &str) {
        if let Some((key, value)) = self.values.remove_entry(key) {
            self.bytes -= size(&key, &value.value);
        }
    }

    fn make_room(&mut self, wanted: usize, now_ms: u64) {
        // What was replaced leaves its place in the order behind; they go before they are many.
        if self.order.len() > 2 * self.values.len() + 16 {
            let values = &self.values;
            self.order.retain(|(key, serial)| values.get(key).is_some_and(|value| value.serial == *serial));
        }
        while self.bytes > wanted {
            let Some((key, serial)) = self.order.pop_front() else { return };
            let Some(value) = self.values.get_mut(&key).filter(|value| value.serial == serial) else { continue };
            if value.used && value.until > now_ms {
                value.used = false;
                self.order.push_back((key, serial));
            } else {
                self.remove(&key);
            }
        }
    }

    fn arrive(&mut self, key: &str, arrival: u64, now_us: u64, max: usize) {
        if let Some(known) = self.arrivals.get_mut(key) {
            *known = arrival;
            return;
        }
        if self.arrivals.len() >= max {
            // What is full again needs no memory. If that is too little, the half that is nearest to full goes:
            // whoever asks most is remembered longest.
            self.arrivals.retain(|_, arrival| *arrival > now_us);
            if self.arrivals.len() >= max / 2 {
                let mut all: Vec<u64> = self.arrivals.values().copied().collect();
                let middle = all.len() / 2;
                let (_, median, _) = all.select_nth_unstable(middle);
                let median = *median;
                self.arrivals.retain(|_, arrival| *arrival > median);
            }
        }
        self.arrivals.insert(key.to_owned(), arrival);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_790_000_000_000;

    fn entry(key: &str, length: usize, ttl: u64) -> Entry {
        Entry { key: key.to_owned(), value: vec![0; length].into(), ttl }
    }

    fn bucket(key: &str, burst: u64) -> Bucket {
        Bucket { key: key.to_owned(), name: "n".into(), limit: 60, window: 60_000, burst, cost: 1, batch: 0 }
    }

    #[test]
    fn expires() {
        let memory = Memory::new(1 << 20);
        memory.set(entry("a", 1, 1000), NOW);
        assert!(memory.get("a", NOW + 999).is_some());
        assert!(memory.get("a", NOW + 1000).is_none());
        assert!(memory.get("a", NOW).is_none(), "it is gone for good");
        assert!(memory.shards.iter().all(|shard| shard.lock().is_ok_and(|shard| shard.bytes == 0)));
    }

    #[test]
    fn stays_within_its_bound() {
        let memory = Memory::new(SHARDS * 10_000);
        for round in 0..20 {
            for index in 0..2000 {
                memory.set(entry(&format!("key-{}", (index + round) % 2500), 500, 60_000), NOW);
            }
        }
        for shard in &memory.shards {
            let shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            assert!(shard.bytes <= 10_000 && shard.order.len() <= 2 * shard.values.len() + 17);
            assert_eq!(shard.bytes, shard.values.iter().map(|(key, value)| size(key, &value.value)).sum::<usize>());
        }
        memory.set(entry("too large", 20_000, 60_000), NOW);
        assert!(memory.get("too large", NOW).is_none());
    }

    #[test]
    fn what_is_used_stays() {
        let memory = Memory::new(SHARDS * 10_000);
        memory.set(entry("wanted", 500, 60_000), NOW);
        for index in 0..10_000 {
            assert!(memory.get("wanted", NOW).is_some(), "gone after {index}");
            memory.set(entry(&format!("scan-{index}"), 500, 60_000), NOW);
        }
    }

    #[test]
    fn takes_from_all_or_none() {
        let memory = Memory::new(1 << 20);
        let both = [bucket("wide", 10), bucket("narrow", 1)];
        assert!(memory.take(&both, NOW * 1000).iter().all(|one| one.allowed));
        let second = memory.take(&both, NOW * 1000);
        assert_eq!((second[0].allowed, second[1].allowed), (true, false));
        assert_eq!(memory.take(&both[..1], NOW * 1000)[0].remaining, 8, "the refused one cost nothing");
    }

    #[test]
    fn a_burst_over_threads_is_counted_exactly() {
        let memory = Memory::new(1 << 20);
        let allowed = std::sync::atomic::AtomicU64::new(0);
        std::thread::scope(|scope| {
            for thread in 0..8 {
                let (memory, allowed) = (&memory, &allowed);
                scope.spawn(move || {
                    for _ in 0..100 {
                        // In both orders, for the locks.
                        let mut buckets = [bucket("one", 100), bucket("two", 1000)];
                        if thread % 2 == 0 {
                            buckets.reverse();
                        }
                        if memory.take(&buckets, NOW * 1000).iter().all(|one| one.allowed) {
                            allowed.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                        }
                    }
                });
            }
        });
        assert_eq!(allowed.into_inner(), 100);
    }

    #[test]
    fn many_addresses_do_not_fill_it_and_the_busiest_are_remembered() {
        let memory = Memory::bounded(1 << 20, SHARDS * 100);
        let busy = [bucket("busy", 50)];
        for _ in 0..50 {
            memory.take(&busy, NOW * 1000);
        }
        for index in 0..50_000 {
            memory.take(&[bucket(&format!("address-{index}"), 50)], NOW * 1000);
        }
        for shard in &memory.shards {
            assert!(shard.lock().unwrap_or_else(PoisonError::into_inner).arrivals.len() <= 100);
        }
        assert!(!memory.take(&busy, NOW * 1000)[0].allowed);
    }
}
