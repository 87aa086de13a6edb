//! The circuit breaker: how many requests an upstream has at once, over all workers, and how many wait for a place.
//!
//! An upstream that answers too slowly for what comes would otherwise gather requests until everybody's time is over.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use breakwater_pipeline::{Failure, Upstream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// The breakers of all upstreams that have a bound. Asked when a snapshot comes, not when a request does.
#[derive(Default)]
pub struct Breakers(Mutex<HashMap<String, Arc<Breaker>>>);

/// The bound of one upstream.
pub struct Breaker {
    max: u32,
    max_pending: u32,
    places: Arc<Semaphore>,
    pending: AtomicU32,
}

/// A place at an upstream, which ends with it.
pub type Place = OwnedSemaphorePermit;

impl Breakers {
    /// The upstream's breaker: the same for every worker. None where there is no bound.
    pub fn of(&self, name: &str, upstream: &Upstream) -> Option<Arc<Breaker>> {
        let max = upstream.max_connections?;
        let mut breakers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = breakers.get(name).filter(|known| known.max == max && known.max_pending == upstream.max_pending);
        if let Some(breaker) = known {
            return Some(breaker.clone());
        }
        let breaker = Arc::new(Breaker {
            max,
            max_pending: upstream.max_pending,
            places: Arc::new(Semaphore::new(max as usize)),
            pending: AtomicU32::new(0),
        });
        breakers.insert(name.to_owned(), breaker.clone());
        Some(breaker)
    }
}

impl Breaker {
    /// A place, now or soon.
    pub async fn admit(self: &Arc<Self>, patience: Duration) -> Result<Place, Failure> {
        if let Ok(place) = self.places.clone().try_acquire_owned() {
            return Ok(place);
        }
        let waiting = Waiting(self);
        if self.pending.fetch_add(1, Ordering::Relaxed) >= self.max_pending {
            return Err(Failure::Overloaded);
        }
        let place = timeout(patience, self.places.clone().acquire_owned()).await;
        drop(waiting);
        match place {
            Ok(Ok(place)) => Ok(place),
            Ok(Err(_)) | Err(_) => Err(Failure::Overloaded),
        }
    }
}

/// Counted down however the waiting ends, and if the client goes away.
struct Waiting<'a>(&'a Breaker);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.pending.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn bounded(max: u32, max_pending: u32) -> Upstream {
        Upstream { max_connections: Some(max), max_pending, ..Upstream::default() }
    }

    #[tokio::test]
    async fn some_are_let_in_some_wait_and_the_others_are_refused() {
        let breaker = Breakers::default().of("a", &bounded(2, 1)).unwrap();
        let patience = Duration::from_millis(50);
        let first = breaker.admit(patience).await.unwrap();
        let _second = breaker.admit(patience).await.unwrap();
        let waiting = tokio::spawn({
            let breaker = breaker.clone();
            async move { breaker.admit(Duration::from_secs(60)).await }
        });
        while breaker.pending.load(Ordering::Relaxed) == 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(breaker.admit(patience).await.unwrap_err(), Failure::Overloaded, "one waits already");
        drop(first);
        let _third = waiting.await.unwrap().unwrap();
        assert_eq!(breaker.admit(patience).await.unwrap_err(), Failure::Overloaded, "waited for nothing");
        assert_eq!(breaker.pending.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn one_for_all_workers_until_its_bounds_change() {
        let breakers = Breakers::default();
        let one = breakers.of("a", &bounded(2, 1)).unwrap();
        assert!(Arc::ptr_eq(&one, &breakers.of("a", &bounded(2, 1)).unwrap()));
        assert!(!Arc::ptr_eq(&one, &breakers.of("a", &bounded(3, 1)).unwrap()));
        assert!(breakers.of("b", &Upstream::default()).is_none());
    }
}
