//! Cross-origin requests: which pages may read what the edge answers (Fetch, section 3.2).
//!
//! What the snapshot allows for all routes allows credentials to the origins whose pages may use sessions' cookies, and to
//! no others. A route may have a rule of its own.

use breakwater_kit::types::{CorsRule, Field, RequestHead, ResponseHead};

use crate::gateway::Settings;
use crate::headers;

const METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE";

/// What a page may send besides what every page may.
const REQUEST_HEADERS: &str = "authorization, content-type, idempotency-key, if-match, if-none-match, \
    if-modified-since, if-unmodified-since, last-event-id, range, traceparent, tracestate, x-csrf-token, x-request-id, \
    x-session-mode";

/// What a page may read besides what every page may.
const RESPONSE_HEADERS: &str = "content-disposition, content-location, deprecation, etag, idempotency-replayed, link, \
    location, ratelimit, ratelimit-policy, retry-after, sunset, traceparent, www-authenticate, x-request-id";

/// What a request says about its origin, and what that means for its answer.
#[derive(Debug)]
pub struct Origin {
    /// What `access-control-allow-origin` says, if the request's origin may read answers.
    allowed: Option<Vec<u8>>,
    /// Whether answers differ by origin at all.
    varies: bool,
    /// What a page may read, where a route says other than all do.
    exposed: Option<String>,
    credentials: bool,
}

impl Origin {
    /// Reads the request's `Origin`, for routes that say nothing of their own.
    pub fn of(request: &RequestHead, settings: Option<&Settings>) -> Self {
        let any = settings.map_or(&[][..], |settings| &settings.cors.allowed_origins);
        let trusted =
            settings.and_then(|settings| settings.cookies.as_ref()).map_or(&[][..], |cookies| &cookies.origins);
        let origin = headers::get(&request.headers, "origin");
        let is_in = |list: &[String]| list.iter().any(|allowed| Some(allowed.as_bytes()) == origin);
        let credentials = is_in(trusted);
        let allowed = origin.filter(|_| credentials || is_in(any)).map(<[u8]>::to_vec);
        Self { allowed, varies: !(any.is_empty() && trusted.is_empty()), exposed: None, credentials }
    }

    /// Reads it for a route with a rule of its own.
    pub fn under(request: &RequestHead, rule: &CorsRule) -> Self {
        let everyone = rule.origins.iter().any(|origin| origin == "*");
        let allowed = headers::get(&request.headers, "origin").and_then(|origin| {
            let listed = rule.origins.iter().any(|allowed| allowed.as_bytes() == origin);
            if everyone { Some(b"*".to_vec()) } else { listed.then(|| origin.to_vec()) }
        });
        Self {
            allowed,
            varies: !everyone && !rule.origins.is_empty(),
            exposed: Some(rule.exposed.join(", ")).filter(|exposed| !exposed.is_empty()),
            credentials: rule.credentials,
        }
    }

    /// Whether the origin may read answers.
    pub fn is_allowed(&self) -> bool {
        self.allowed.is_some()
    }

    /// Of a request that could not be read.
    pub const fn nowhere() -> Self {
        Self { allowed: None, varies: false, exposed: None, credentials: false }
    }

    /// Adds to an answer what its origin is allowed.
    pub fn apply(&self, fields: &mut Vec<Field>) {
        if self.varies {
            headers::add_to_list(fields, "vary", "origin");
        }
        if let Some(origin) = &self.allowed {
            headers::set(fields, "access-control-allow-origin", origin.as_slice());
            headers::set(fields, "access-control-expose-headers", self.exposed.as_deref().unwrap_or(RESPONSE_HEADERS));
            if self.credentials {
                headers::set(fields, "access-control-allow-credentials", "true");
            }
        }
    }
}

/// The method that a preflight asks about (Fetch, section 3.2.2); none if the request is no preflight.
pub fn preflight(request: &RequestHead) -> Option<&str> {
    if request.method != "OPTIONS" || headers::get(&request.headers, "origin").is_none() {
        return None;
    }
    headers::get(&request.headers, "access-control-request-method").and_then(|method| std::str::from_utf8(method).ok())
}

/// The answer to a preflight.
///
/// Without a rule of the route's own it is the same for every path: which methods a resource has is told by its own
/// answers.
pub fn answer(origin: &Origin, settings: &Settings, rule: Option<&CorsRule>) -> ResponseHead {
    let mut fields = Vec::new();
    if origin.allowed.is_some() {
        let or = |list: Option<&Vec<String>>, all: &str| {
            list.filter(|list| !list.is_empty()).map_or_else(|| all.to_owned(), |list| list.join(", "))
        };
        headers::push(&mut fields, "access-control-allow-methods", or(rule.map(|rule| &rule.methods), METHODS));
        headers::push(&mut fields, "access-control-allow-headers", or(rule.map(|rule| &rule.headers), REQUEST_HEADERS));
        let max_age = rule.map_or(settings.cors.max_age_seconds, |rule| rule.max_age);
        headers::push(&mut fields, "access-control-max-age", max_age.to_string());
    }
    ResponseHead { status: 204, headers: fields }
}
