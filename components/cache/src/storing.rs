//! What may be kept, which of its headers, and for how long (RFC 9111, section 3).

use std::time::{Duration, UNIX_EPOCH};

use breakwater_kit::headers;
use breakwater_kit::types::{Field, RequestHead, StoredHead};

use crate::directives::{RequestDirectives, ResponseDirectives};
use crate::freshness;
use crate::reason;
use crate::validation;

/// How long a response that can be validated is kept beyond its freshness.
const VALIDATION_SECONDS: u64 = 24 * 60 * 60;

/// Seconds to keep a response for, or why not to.
pub fn keep_for(request: &RequestHead, head: &StoredHead, max_bytes: u64) -> Result<u64, &'static str> {
    let says = ResponseDirectives::read(&head.headers);
    if RequestDirectives::read(&request.headers).no_store {
        return Err(reason::REQUEST_NO_STORE);
    }
    if says.no_store {
        return Err(reason::NO_STORE);
    }
    if says.private {
        return Err(reason::PRIVATE);
    }
    if headers::has(&request.headers, "authorization") && !says.allows_authorized() {
        return Err(reason::AUTHORIZATION);
    }
    if headers::has(&head.headers, "set-cookie") {
        return Err(reason::SET_COOKIE);
    }
    if !is_understood(head.status) || !may_be_reused(head, &says) {
        return Err(reason::STATUS);
    }
    let length = headers::first(&head.headers, "content-length").and_then(|value| value.parse::<u64>().ok());
    if length.is_some_and(|length| length > max_bytes) {
        return Err(reason::TOO_LARGE);
    }
    let fresh = freshness::lifetime(head, &says).saturating_sub(freshness::age(head, head.received_at));
    let grace = if validation::validator(head).is_some() { VALIDATION_SECONDS } else { 0 };
    match fresh + grace {
        0 => Err(reason::NOT_REUSABLE),
        seconds => Ok(seconds),
    }
}

/// Statuses that this cache knows how to answer with (section 3: "the response status code is final, and …").
fn is_understood(status: u16) -> bool {
    freshness::is_heuristic(status) || matches!(status, 302 | 303 | 307)
}

/// Something must allow reuse (section 3, last item).
fn may_be_reused(head: &StoredHead, says: &ResponseDirectives) -> bool {
    says.public || freshness::is_explicit(head, says) || freshness::is_heuristic(head.status)
}

/// The headers that are kept: none that are about the connection (section 3.1), the edge's own link or one request. A date
/// is added where there is none (RFC 9110, section 6.6.1).
pub fn kept_headers(response: &[Field], now: u64) -> Vec<Field> {
    let mut kept: Vec<Field> = response.iter().filter(|field| !is_transient(response, &field.name)).cloned().collect();
    if !headers::has(&kept, "date") {
        kept.push(Field::new("date", httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(now))));
    }
    kept
}

fn is_transient(response: &[Field], name: &str) -> bool {
    const CONNECTION: [&str; 10] = [
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authentication-info",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ];
    // Allowances are of the request that drew on them (draft-ietf-httpapi-ratelimit-headers, section 7.3).
    const REQUEST: [&str; 4] = ["ratelimit", "ratelimit-policy", "server-timing", "x-request-id"];
    CONNECTION.contains(&name)
        || REQUEST.contains(&name)
        || name.starts_with("breakwater-")
        || headers::list(response, "connection").any(|listed| listed.eq_ignore_ascii_case(name))
}
