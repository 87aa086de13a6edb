//! Places among the requests at once: held until the answer has ended, or its client has gone.

use std::time::Duration;

use breakwater_kit::types::Lease;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};

use crate::state::State;

/// Places to give back: which, and whose.
pub type Places = (Vec<Lease>, String);

/// Gives its places back when it is dropped, whatever became of the request.
pub struct Holding {
    places: Option<Places>,
    to: UnboundedSender<Places>,
}

impl Holding {
    /// Holds places that were granted.
    pub fn new(leases: Vec<Lease>, holder: String, to: UnboundedSender<Places>) -> Self {
        Self { places: Some((leases, holder)), to }
    }

    /// For how long they are held without being held again.
    pub fn life(&self) -> Duration {
        let leases = self.places.iter().flat_map(|(leases, _)| leases);
        Duration::from_millis(leases.map(|lease| lease.ttl).min().unwrap_or(u64::MAX).max(1000))
    }

    /// Holds them for longer.
    pub async fn hold(&self, state: &State) {
        if let Some((leases, holder)) = &self.places {
            state.lease(leases, holder).await;
        }
    }
}

impl Drop for Holding {
    fn drop(&mut self) {
        if let Some(places) = self.places.take() {
            // If nobody receives them the worker ends, and the places come free by themselves.
            let _ = self.to.send(places);
        }
    }
}

/// Tells the state of places that came free.
pub async fn give_back(state: State, mut places: UnboundedReceiver<Places>) {
    while let Some((leases, holder)) = places.recv().await {
        state.release(&leases, &holder).await;
    }
}
