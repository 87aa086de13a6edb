//! Policy `caching`: what may be answered from memory, and what may be kept (RFC 9111, as a shared cache).
//!
//! - `GET` responses are kept whole, and answer `GET`, `HEAD` and ranges (section 4). Parts are not kept.
//! - A response that varies is kept under a key of its own, made of the request headers that it varies by; the plain key
//!   then holds their names. A personal response varies by its caller and the permissions that allowed it, too.
//! - Keys hold digests, so that no header of a request stands in the state, and the generation, so that one new
//!   number in the configuration forgets everything.
//! - A response that may be used stale or validated is kept beyond its freshness.
//! - Purges come with the configuration, so that they reach every edge with the snapshot ([`purge`]).

mod directives;
mod freshness;
#[cfg(target_arch = "wasm32")]
mod guest;
mod invalidation;
mod key;
mod purge;
mod range;
mod reason;
mod reuse;
mod storing;
mod targeted;
mod validation;

use breakwater_kit::headers;
use breakwater_kit::problems;
use breakwater_kit::types::*;
use directives::RequestDirectives;
use key::Personal;
use purge::Purges;
use reuse::Found;
use serde::Deserialize;
use storing::For;

/// The header in which an upstream allows a response to be kept for its caller alone: the version of the permissions
/// that allowed it.
const PERSONAL: &str = "breakwater-permissions";

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
    /// Seconds beyond its freshness that a response is kept, and used if its upstream cannot be reached.
    #[serde(default = "default_stale")]
    stale_seconds: u64,
    /// Seconds for which a response that is not kept is remembered.
    #[serde(default = "default_uncacheable")]
    uncacheable_seconds: u64,
    /// The version of all permissions; without it no personal response is kept.
    permissions: Option<String>,
    /// The cookie that holds an access token: who sends it, sends credentials.
    session_cookie: Option<String>,
    #[serde(flatten)]
    purges: Purges,
}

fn default_max_object() -> u64 {
    1024 * 1024
}

fn default_stale() -> u64 {
    24 * 60 * 60
}

fn default_uncacheable() -> u64 {
    60
}

impl Cache {
    /// Takes the section `caching` of the snapshot, or says what is wrong with it and keeps what it had.
    pub fn configure(&mut self, section: &[u8]) -> Result<(), String> {
        let mut settings: Settings = serde_json::from_slice(section).map_err(|error| format!("caching: {error}"))?;
        settings.purges.prepare()?;
        self.settings = Some(settings);
        Ok(())
    }

    /// The request headers that the policy reads: all of them, since a response may vary by any.
    pub fn reads(&self) -> Vec<String> {
        vec!["*".to_owned()]
    }

    /// Whether the state is asked, and for what.
    pub fn plan(&self, request: &RequestHead, _caller: Option<&Caller>) -> CachePlan {
        match self.bypass(request) {
            Ok(key) => CachePlan::LookUp(key),
            Err(reason) => CachePlan::Bypass(reason.into()),
        }
    }

    /// What to do with what the state has under `key`.
    ///
    /// After `Validate`, a 304 goes to `update`; what that keeps is the answer, whatever this would say to it. If it
    /// passes, the 304 is about the client's own validators (then it is the answer), or the request has to be sent again.
    pub fn judge(
        &self,
        request: &RequestHead,
        caller: Option<&Caller>,
        key: &str,
        stored: Option<&Stored>,
        length: u64,
        now: u64,
    ) -> CacheUse {
        let wants = RequestDirectives::read(&request.headers);
        let answer = match (&self.settings, stored) {
            (Some(settings), Some(Stored::Response(head))) => {
                let personal = settings.personal(caller, &head.headers);
                // A response that varies by other headers than this key is made of.
                if key::is_own(key, request, &head.headers, personal) {
                    let purged = settings.purges.look_up(request, &head.headers, head.epoch);
                    Found { request, head, length, personal: personal.is_some(), now }.judge(&wants, purged)
                } else {
                    CacheUse::Miss
                }
            }
            (Some(settings), Some(Stored::Varies(names))) if key == key::plain(settings.generation, request) => {
                let personal = settings.caller(caller);
                key::varied(key, request, names, personal).map_or(CacheUse::Miss, CacheUse::Other)
            }
            _ => CacheUse::Miss,
        };
        match answer {
            // Section 5.2.1.7.
            CacheUse::Miss | CacheUse::Validate(_) if wants.only_if_cached => CacheUse::Refuse(problems::not_cached()),
            answer => answer,
        }
    }

    /// Whether to keep a response.
    pub fn keep(
        &self,
        request: &RequestHead,
        caller: Option<&Caller>,
        response: &ResponseHead,
        sent: Sent,
        now: u64,
    ) -> CacheKeep {
        if request.method != "GET" {
            return pass(reason::METHOD, 0);
        }
        let head = StoredHead {
            status: response.status,
            headers: storing::kept_headers(&response.headers, now),
            requested_at: sent.at,
            received_at: now,
            epoch: sent.epoch,
        };
        self.decide(request, caller, head)
    }

    /// A stored response, freshened by a 304 or by the answer to a HEAD (sections 4.3.4 and 4.3.5).
    pub fn update(
        &self,
        request: &RequestHead,
        caller: Option<&Caller>,
        stored: &StoredHead,
        answer: &ResponseHead,
        sent: Sent,
        now: u64,
    ) -> CacheKeep {
        match validation::freshened(stored, answer, sent, now) {
            Ok(head) => self.decide(request, caller, head),
            Err(reason) => pass(reason, 0),
        }
    }

    /// A stored response instead of the upstream's failure: no status if it cannot be reached (section 4.2.4).
    pub fn rescue(
        &self,
        request: &RequestHead,
        stored: &StoredHead,
        length: u64,
        status: Option<u16>,
        now: u64,
    ) -> Option<Hit> {
        let settings = self.settings.as_ref()?;
        Found { request, head: stored, length, personal: false, now }.rescue(status, settings.stale_seconds)
    }

    /// The keys that are no longer true after this answer (section 4.4).
    pub fn invalidate(&self, request: &RequestHead, response: &ResponseHead) -> Vec<String> {
        let settings = self.settings.as_ref();
        settings.map(|settings| invalidation::keys(settings.generation, request, response)).unwrap_or_default()
    }

    fn decide(&self, request: &RequestHead, caller: Option<&Caller>, head: StoredHead) -> CacheKeep {
        let Some(settings) = &self.settings else { return pass(reason::NOT_CONFIGURED, 0) };
        let personal = settings.personal(caller, &head.headers);
        let whom = match personal {
            Some(_) => For::Caller,
            // The rules about `Authorization` are for whoever shows credentials, wherever they stand (section 3.5).
            None => For::Everybody { caller: caller.is_some() || settings.has_session(request) },
        };
        if headers::has(&head.headers, PERSONAL) && personal.is_none() {
            return pass(reason::PERMISSIONS, 0);
        }
        let placed = key::of_response(settings.generation, request, &head.headers, personal);
        let kept = storing::keep_for(request, &head, whom, settings.max_object_bytes, settings.stale_seconds);
        match (placed, kept) {
            (Ok(place), Ok(keep_for)) => CacheKeep::Keep(Kept { key: place.key, head, keep_for, varies: place.varies }),
            (_, Err(reason)) | (Err(reason), _) => {
                // What the request itself brought about says nothing about the next.
                let own = matches!(
                    reason,
                    reason::REQUEST_NO_STORE | reason::AUTHORIZATION | reason::CALLER | reason::PARTIAL
                );
                pass(reason, if own { 0 } else { settings.uncacheable_seconds })
            }
        }
    }

    fn bypass(&self, request: &RequestHead) -> Result<String, &'static str> {
        let Some(settings) = &self.settings else { return Err(reason::NOT_CONFIGURED) };
        let has = |name| headers::has(&request.headers, name);
        if !matches!(request.method.as_str(), "GET" | "HEAD") {
            return Err(reason::METHOD);
        }
        if RequestDirectives::read(&request.headers).no_store {
            return Err(reason::REQUEST_NO_STORE);
        }
        if has("if-match") || has("if-unmodified-since") {
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

impl Settings {
    /// Whether a request has a session's cookie. A public route does not look at it, but an upstream may.
    fn has_session(&self, request: &RequestHead) -> bool {
        self.session_cookie.as_ref().is_some_and(|name| headers::cookie(&request.headers, name).is_some())
    }

    fn caller<'a>(&'a self, caller: Option<&'a Caller>) -> Option<Personal<'a>> {
        Some(Personal { caller: caller?, permissions: self.permissions.as_deref()? })
    }

    /// For whom a response with these headers is, if it is personal and may be kept.
    fn personal<'a>(&'a self, caller: Option<&'a Caller>, response: &[Field]) -> Option<Personal<'a>> {
        let allowed_by = headers::first(response, PERSONAL)?;
        self.caller(caller).filter(|personal| personal.permissions == allowed_by)
    }
}

fn pass(reason: &str, remember_for: u64) -> CacheKeep {
    CacheKeep::Pass(Passed { reason: reason.into(), remember_for })
}

#[cfg(test)]
mod tests;
