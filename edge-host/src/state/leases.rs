//! Places among so many requests at once, in this process.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use breakwater_kit::types::Lease;

/// All places, by key and holder, with the Unix millisecond at which each is free again in any case.
#[derive(Default)]
pub struct Leases(Mutex<HashMap<String, HashMap<String, u64>>>);

impl Leases {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, HashMap<String, u64>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for the holder in every one, or in none. Who holds one holds it for longer.
    pub fn lease(&self, leases: &[Lease], holder: &str, now_ms: u64) -> Vec<bool> {
        let mut places = self.lock();
        let mut free = |lease: &Lease| match places.get_mut(&lease.key) {
            None => lease.limit > 0,
            Some(holders) => {
                if holders.len() as u64 >= lease.limit {
                    holders.retain(|_, until| now_ms < *until);
                }
                (holders.len() as u64) < lease.limit || holders.contains_key(holder)
            }
        };
        let granted: Vec<bool> = leases.iter().map(&mut free).collect();
        if granted.iter().all(|free| *free) {
            for lease in leases {
                let holders = places.entry(lease.key.clone()).or_default();
                holders.insert(holder.to_owned(), now_ms.saturating_add(lease.ttl));
            }
        }
        granted
    }

    /// Gives the holder's places back.
    pub fn release(&self, leases: &[Lease], holder: &str) {
        let mut places = self.lock();
        for lease in leases {
            if let Some(holders) = places.get_mut(&lease.key) {
                holders.remove(holder);
                if holders.is_empty() {
                    places.remove(&lease.key);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lease(key: &str, limit: u64) -> Lease {
        Lease { key: key.into(), name: "n".into(), limit, ttl: 1_000 }
    }

    #[test]
    fn so_many_at_once_and_all_or_none() {
        let leases = Leases::default();
        let both = [lease("wide", 2), lease("narrow", 1)];
        assert_eq!(leases.lease(&both, "a", 0), [true, true]);
        assert_eq!(leases.lease(&both, "b", 0), [true, false]);
        assert_eq!(leases.lease(&both[..1], "b", 0), [true], "the refused one held nothing");
        assert_eq!(leases.lease(&both[..1], "c", 0), [false]);
        leases.release(&both, "a");
        assert_eq!(leases.lease(&both[..1], "c", 0), [true]);
    }

    #[test]
    fn who_holds_a_place_holds_it_for_longer() {
        let leases = Leases::default();
        let one = [lease("one", 1)];
        assert_eq!(leases.lease(&one, "a", 0), [true]);
        assert_eq!(leases.lease(&one, "a", 900), [true]);
        assert_eq!(leases.lease(&one, "b", 1_800), [false]);
        assert_eq!(leases.lease(&one, "b", 1_900), [true]);
    }

    #[test]
    fn a_place_that_nobody_gives_back_comes_free() {
        let leases = Leases::default();
        let one = [lease("one", 1)];
        assert_eq!(leases.lease(&one, "a", 0), [true]);
        assert_eq!(leases.lease(&one, "b", 999), [false]);
        assert_eq!(leases.lease(&one, "b", 1_000), [true]);
        leases.release(&one, "a");
        assert_eq!(leases.lease(&one, "c", 1_001), [false], "a late return frees nobody else's place");
        leases.release(&one, "b");
        assert!(leases.lock().is_empty());
    }
}
