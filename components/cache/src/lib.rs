//! Policy `caching`: what may be answered from memory, and what may be kept (RFC 9111, as a shared cache).
//!
//! - `GET` responses are kept, and answer `GET` and `HEAD` (section 4).
//! - Where the RFC lets a cache choose, the careful way is taken: a response that may not be kept for a request with
//!   `Authorization` does not answer one either, and directives with arguments (`private="…"`) count as bare.
//! - A response that varies is kept under a key of its own, made of the request headers that it varies by; the plain key
//!   then holds their names.
//! - Keys hold digests, so that no header of a request stands in the state, and the generation, so that one new
//!   number in the configuration forgets everything.
//! - A response with a validator is kept for a day beyond its freshness, to be validated rather than fetched.
//!
//! Not yet here: invalidation after unsafe methods (section 4.4), partial content, `stale-while-revalidate`.

mod directives;
mod freshness;
#[cfg(target_arch = "wasm32")]
mod guest;
mod key;
mod reason;
mod reuse;
mod storing;
mod validation;

use breakwater_kit::headers;
use breakwater_kit::problems;
use breakwater_kit::types::*;
use directives::RequestDirectives;
use serde::Deserialize;

/// The policy.
#[derive(Default)]
pub struct Cache {
    /// Nothing until the first configuration.
    settings: Option<Settings>,
}

/// The section `caching` of the snapshot (`docs/schemas/edge-snapshot.schema.json`).
#[derive(Debug, Clone, Deserialize)]
struct Settings {
    #[serde(default)]
    generation: u64,
    #[serde(default = "default_max_object")]
    max_object_bytes: u64,
}

fn default_max_object() -> u64 {
    1024 * 1024
}

impl Cache {
    /// Takes the section `caching` of the snapshot, or says what is wrong with it and keeps what it had.
    pub fn configure(&mut self, section: &[u8]) -> Result<(), String> {
        self.settings = Some(serde_json::from_slice(section).map_err(|error| format!("caching: {error}"))?);
        Ok(())
    }

    /// The request headers that the policy reads: all of them, since a response may vary by any.
    pub fn reads(&self) -> Vec<String> {
        vec!["*".to_owned()]
    }

    /// Whether the state is asked, and for what.
    pub fn plan(&self, request: &RequestHead, caller: Option<&Caller>) -> CachePlan {
        match self.bypass(request, caller) {
            Ok(key) => CachePlan::LookUp(key),
            Err(reason) => CachePlan::Bypass(reason.into()),
        }
    }

    /// What to do with what the state has under `key`.
    ///
    /// After `Validate`, a 304 goes to `update`; what that keeps is the answer, whatever this would say to it. If it
    /// passes, the 304 is about the client's own validators (then it is the answer), or the request has to be sent again.
    pub fn judge(&self, request: &RequestHead, key: &str, stored: Option<&Stored>, now: u64) -> CacheUse {
        let wants = RequestDirectives::read(&request.headers);
        let answer = match (&self.settings, stored) {
            (Some(settings), Some(Stored::Response(head))) => {
                let own = key::of_response(settings.generation, request, &head.headers);
                // A response that varies by other headers than this key is made of.
                if own.is_ok_and(|own| own.key == key) {
                    reuse::judge(request, &wants, head, now)
                } else {
                    CacheUse::Miss
                }
            }
            (Some(settings), Some(Stored::Varies(names))) if key == key::plain(settings.generation, request) => {
                CacheUse::Other(key::varied(key, request, names))
            }
            _ => CacheUse::Miss,
        };
        match answer {
            // Section 5.2.1.7.
            CacheUse::Miss | CacheUse::Validate(_) if wants.only_if_cached => CacheUse::Refuse(problems::not_cached()),
            answer => answer,
        }
    }

    /// Whether to keep a response to a request that was sent at `requested_at`.
    pub fn keep(&self, request: &RequestHead, response: &ResponseHead, requested_at: u64, now: u64) -> CacheKeep {
        if request.method != "GET" {
            return CacheKeep::Pass(reason::METHOD.into());
        }
        let head = StoredHead {
            status: response.status,
            headers: storing::kept_headers(&response.headers, now),
            requested_at,
            received_at: now,
        };
        self.decide(request, head)
    }

    /// A stored response, freshened by a 304 (section 4.3.4), which may answer a HEAD.
    pub fn update(
        &self,
        request: &RequestHead,
        stored: &StoredHead,
        not_modified: &ResponseHead,
        requested_at: u64,
        now: u64,
    ) -> CacheKeep {
        match validation::freshened(stored, not_modified, requested_at, now) {
            Ok(head) => self.decide(request, head),
            Err(reason) => CacheKeep::Pass(reason.into()),
        }
    }

    fn decide(&self, request: &RequestHead, head: StoredHead) -> CacheKeep {
        let Some(settings) = &self.settings else { return CacheKeep::Pass(reason::NOT_CONFIGURED.into()) };
        let placed = key::of_response(settings.generation, request, &head.headers);
        match (placed, storing::keep_for(request, &head, settings.max_object_bytes)) {
            (Ok(place), Ok(keep_for)) => CacheKeep::Keep(Kept { key: place.key, head, keep_for, varies: place.varies }),
            (_, Err(reason)) | (Err(reason), _) => CacheKeep::Pass(reason.into()),
        }
    }

    fn bypass(&self, request: &RequestHead, caller: Option<&Caller>) -> Result<String, &'static str> {
        let Some(settings) = &self.settings else { return Err(reason::NOT_CONFIGURED) };
        let has = |name| headers::has(&request.headers, name);
        if !matches!(request.method.as_str(), "GET" | "HEAD") {
            return Err(reason::METHOD);
        }
        if caller.is_some() && !has("authorization") {
            // The rules for callers are about this header (section 3.5); credentials elsewhere would slip past them.
            return Err(reason::CALLER);
        }
        if RequestDirectives::read(&request.headers).no_store {
            return Err(reason::REQUEST_NO_STORE);
        }
        if has("range") {
            return Err(reason::RANGE);
        }
        if has("if-match") || has("if-unmodified-since") || has("if-range") {
            return Err(reason::PRECONDITION);
        }
        if has("upgrade") {
            return Err(reason::UPGRADE);
        }
        let body = headers::values(&request.headers, "content-length").any(|length| length != b"0");
        if body || has("transfer-encoding") {
            return Err(reason::BODY);
        }
        Ok(key::plain(settings.generation, request))
    }
}

#[cfg(test)]
mod tests;
