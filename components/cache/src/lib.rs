//! Policy `caching`: what may be answered from memory, and what may be kept (RFC 9111).

#[cfg(target_arch = "wasm32")]
mod guest;

use breakwater_kit::types::*;

/// The policy. Being written: what it answers for now is the safe answer.
#[derive(Default)]
pub struct Cache;

impl Cache {
    /// Takes a new section of the snapshot.
    pub fn configure(&mut self, section: &[u8]) -> Result<(), String> {
        serde_json::from_slice::<serde::de::IgnoredAny>(section).map(|_| ()).map_err(|error| error.to_string())
    }

    /// Whether the cache is asked.
    pub fn plan(&self, _request: &RequestHead, _caller: Option<&Caller>) -> CachePlan {
        CachePlan::Bypass("not-ready".into())
    }

    /// What to do with what the state has under `key`.
    pub fn judge(&self, _request: &RequestHead, _key: &str, _stored: Option<&Stored>, _now: u64) -> CacheUse {
        CacheUse::Miss
    }

    /// Whether to keep a response.
    pub fn keep(&self, _: &RequestHead, _response: &ResponseHead, _requested_at: u64, _now: u64) -> CacheKeep {
        CacheKeep::Pass("not-ready".into())
    }

    /// A stored response, freshened by a 304.
    pub fn update(
        &self,
        _request: &RequestHead,
        _stored: &StoredHead,
        _not_modified: &ResponseHead,
        _requested_at: u64,
        _now: u64,
    ) -> CacheKeep {
        CacheKeep::Pass("not-ready".into())
    }
}
