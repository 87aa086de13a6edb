//! Requests that want the same: one asks the upstream, the others wait for what it brings.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use breakwater_pipeline::Collapse;
use tokio::sync::watch;

/// Who asks for what now, in all workers.
#[derive(Clone, Default)]
pub struct Collapsing(Arc<Mutex<HashMap<String, watch::Receiver<()>>>>);

/// The request that asks. When it is dropped, the others go on.
pub struct Lead {
    key: String,
    collapsing: Collapsing,
    /// Those who wait see it go.
    _done: watch::Sender<()>,
}

impl Collapsing {
    /// The lead, if it is free; else none, after the one who has it let go or time ran out.
    pub async fn turn(&self, collapse: Collapse) -> Option<Lead> {
        match self.lead(collapse.key) {
            Ok(lead) => Some(lead),
            Err(mut leader) => {
                // It sends nothing: it ends.
                let _ = tokio::time::timeout(Duration::from_millis(collapse.wait.into()), leader.changed()).await;
                None
            }
        }
    }

    /// The lead, if it is free, or whom to wait for.
    pub fn lead(&self, key: String) -> Result<Lead, watch::Receiver<()>> {
        match self.lock().entry(key.clone()) {
            Entry::Occupied(leader) => Err(leader.get().clone()),
            Entry::Vacant(free) => {
                let (done, waits) = watch::channel(());
                free.insert(waits);
                Ok(Lead { key, collapsing: self.clone(), _done: done })
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, watch::Receiver<()>>> {
        // Nothing in here can be left half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Lead {
    fn drop(&mut self) {
        self.collapsing.lock().remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collapse(wait: u32) -> Collapse {
        Collapse { key: "k".into(), wait }
    }

    #[tokio::test]
    async fn one_leads_and_the_others_wait_for_it() {
        let collapsing = Collapsing::default();
        let lead = collapsing.turn(collapse(0)).await;
        assert!(lead.is_some());
        let waiting: Vec<_> = (0..3)
            .map(|_| {
                let collapsing = collapsing.clone();
                tokio::spawn(async move { collapsing.turn(collapse(60_000)).await.is_none() })
            })
            .collect();
        tokio::task::yield_now().await;
        assert!(waiting.iter().all(|one| !one.is_finished()));
        drop(lead);
        for one in waiting {
            assert!(one.await.is_ok_and(|followed| followed));
        }
        assert!(collapsing.turn(collapse(0)).await.is_some(), "the lead is free again");
    }

    #[tokio::test]
    async fn who_waited_long_enough_goes_on() {
        let collapsing = Collapsing::default();
        let _lead = collapsing.turn(collapse(0)).await;
        assert!(collapsing.turn(collapse(1)).await.is_none());
    }
}
