//! Cross-origin requests: which pages may read what the edge answers (Fetch, section 3.2).
//!
//! Credentials travel in `Authorization`, never in cookies, so no answer allows credentials.

use breakwater_kit::types::{Field, RequestHead, ResponseHead};

use crate::gateway::Cors;
use crate::headers;

const METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE";

/// What a page may send besides what every page may.
const REQUEST_HEADERS: &str = "authorization, content-type, idempotency-key, if-match, if-none-match, \
    if-modified-since, if-unmodified-since, last-event-id, range, traceparent, tracestate, x-request-id";

/// What a page may read besides what every page may.
const RESPONSE_HEADERS: &str = "content-disposition, content-location, deprecation, etag, idempotency-replayed, link, \
    location, ratelimit, ratelimit-policy, retry-after, sunset, traceparent, www-authenticate, x-request-id";

/// What a request says about its origin, and what that means for its answer.
#[derive(Debug)]
pub struct Origin {
    /// The request's origin, if it may read answers.
    allowed: Option<Vec<u8>>,
    /// Whether answers differ by origin at all.
    varies: bool,
}

impl Origin {
    /// Reads the request's `Origin`.
    pub fn of(request: &RequestHead, cors: Option<&Cors>) -> Self {
        let allowed_origins = cors.map_or(&[][..], |cors| &cors.allowed_origins);
        let allowed = headers::get(&request.headers, "origin")
            .filter(|origin| allowed_origins.iter().any(|allowed| allowed.as_bytes() == *origin))
            .map(<[u8]>::to_vec);
        Self { allowed, varies: !allowed_origins.is_empty() }
    }

    /// Of a request that could not be read.
    pub const fn nowhere() -> Self {
        Self { allowed: None, varies: false }
    }

    /// Adds to an answer what its origin is allowed.
    pub fn apply(&self, fields: &mut Vec<Field>) {
        if self.varies {
            headers::add_to_list(fields, "vary", "origin");
        }
        if let Some(origin) = &self.allowed {
            headers::set(fields, "access-control-allow-origin", origin.as_slice());
            headers::set(fields, "access-control-expose-headers", RESPONSE_HEADERS);
        }
    }
}

/// The answer to a preflight (Fetch, section 3.2.2); none if the request is no preflight.
///
/// It is the same for every path: which methods a resource has is told by its own answers.
pub fn preflight(request: &RequestHead, origin: &Origin, cors: &Cors) -> Option<ResponseHead> {
    let asks = |name| headers::get(&request.headers, name).is_some();
    if request.method != "OPTIONS" || !asks("origin") || !asks("access-control-request-method") {
        return None;
    }
    let mut fields = Vec::new();
    if origin.allowed.is_some() {
        headers::push(&mut fields, "access-control-allow-methods", METHODS);
        headers::push(&mut fields, "access-control-allow-headers", REQUEST_HEADERS);
        headers::push(&mut fields, "access-control-max-age", cors.max_age_seconds.to_string());
    }
    Some(ResponseHead { status: 204, headers: fields })
}
