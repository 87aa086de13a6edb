//! The port `state`: cached responses and allowances, in this process or in Redis.
//!
//! A state that is away never breaks a request: there is nothing stored then, and the rate-limit policy decides what
//! a limit without an answer means.

mod leases;
mod memory;
mod redis;

use breakwater_kit::state::MAX_VALUE;
use breakwater_kit::types::{Allowance, Bucket, Lease};
use breakwater_pipeline::Entry;
use bytes::Bytes;

use crate::collapse::Lead;

pub use memory::Memory;
pub use redis::Redis;

/// Where the edge remembers.
#[derive(Clone)]
pub enum State {
    /// In this process.
    Memory(std::sync::Arc<Memory>),
    /// In Redis, together with other edges.
    Redis(Redis),
}

impl State {
    /// Takes from all buckets or from none; none is answered if the state is away.
    pub async fn take(&self, buckets: &[Bucket]) -> Option<Vec<Allowance>> {
        match self {
            Self::Memory(memory) => Some(memory.take(buckets, crate::now_us())),
            Self::Redis(redis) => redis.take(buckets).await,
        }
    }

    /// A place for the holder in every one, or in none; none is answered if the state is away.
    pub async fn lease(&self, leases: &[Lease], holder: &str) -> Option<Vec<bool>> {
        match self {
            Self::Memory(memory) => Some(memory.leases.lease(leases, holder, crate::now_ms())),
            Self::Redis(redis) => redis.lease(leases, holder).await,
        }
    }

    /// Gives the holder's places back.
    pub async fn release(&self, leases: &[Lease], holder: &str) {
        match self {
            Self::Memory(memory) => memory.leases.release(leases, holder),
            Self::Redis(redis) => redis.release(leases, holder).await,
        }
    }

    /// What is stored under a key.
    pub async fn get(&self, key: &str) -> Option<Bytes> {
        match self {
            Self::Memory(memory) => memory.get(key, crate::now_ms()),
            Self::Redis(redis) => redis.get(key).await,
        }
    }

    /// Stores values while the client goes on, and then lets go those who wait for them.
    pub fn keep(&self, entries: Vec<Entry>, lead: Option<Lead>) {
        if let Self::Memory(memory) = self {
            // At once, so that the client's next request finds them.
            for entry in entries.into_iter().filter(is_storable) {
                memory.set(entry, crate::now_ms());
            }
            return;
        }
        let state = self.clone();
        tokio::task::spawn_local(async move {
            for entry in entries {
                state.set(entry).await;
            }
            drop(lead);
        });
    }

    /// Stores a value, if it is not too large and the state is there.
    pub async fn set(&self, entry: Entry) {
        if !is_storable(&entry) {
            return;
        }
        match self {
            Self::Memory(memory) => memory.set(entry, crate::now_ms()),
            Self::Redis(redis) => redis.set(&entry).await,
        }
    }
}

fn is_storable(entry: &Entry) -> bool {
    entry.value.len() <= MAX_VALUE && entry.ttl > 0
}
