//! What may be kept, which of its headers, and for how long (RFC 9111, section 3).

use std::time::{Duration, UNIX_EPOCH};

use breakwater_kit::headers;
use breakwater_kit::types::{Field, RequestHead, StoredHead};

use crate::directives::{RequestDirectives, ResponseDirectives};
use crate::freshness;
use crate::reason;
use crate::validation;

/// Who a response may be kept for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum For {
    /// Everybody; the request may have come from a caller who is known by something else than `Authorization`.
    Everybody { caller: bool },
    /// The caller alone.
    Caller,
}

/// Seconds to keep a response for, or why not to. It stays for `stale_for` beyond its freshness, to be validated and for
/// when its upstream is away.
pub fn keep_for(
    request: &RequestHead,
    head: &StoredHead,
    whom: For,
    max_bytes: u64,
    stale_for: u64,
) -> Result<u64, &'static str> {
    let says = ResponseDirectives::read(&head.headers);
    if RequestDirectives::read(&request.headers).no_store {
        return Err(reason::REQUEST_NO_STORE);
    }
    // Section 5.2.2.3: a cache that knows the status may ignore `no-store` beside `must-understand`.
    if says.must_understand && !is_understood(head.status) {
        return Err(reason::STATUS);
    }
    if says.no_store && !says.must_understand {
        return Err(reason::NO_STORE);
    }
    if let For::Everybody { caller } = whom {
        if says.private {
            return Err(reason::PRIVATE);
        }
        if headers::has(&request.headers, "authorization") && !says.allows_authorized() {
            return Err(reason::AUTHORIZATION);
        }
        if caller && !says.allows_authorized() {
            return Err(reason::CALLER);
        }
    }
    if head.status == 206 {
        return Err(reason::PARTIAL);
    }
    let explicit = freshness::is_explicit(head, &says);
    if headers::has(&head.headers, "set-cookie") && !explicit {
        return Err(reason::SET_COOKIE);
    }
    if head.status < 200 || head.status == 304 || !(explicit || says.public || freshness::is_heuristic(head.status)) {
        return Err(reason::STATUS);
    }
    let length = headers::first(&head.headers, "content-length").and_then(|value| value.parse::<u64>().ok());
    if length.is_some_and(|length| length > max_bytes) {
        return Err(reason::TOO_LARGE);
    }
    let fresh = freshness::lifetime(head, &says).saturating_sub(freshness::age(head, head.received_at));
    if fresh == 0 && validation::validator(head).is_none() {
        return Err(reason::NOT_REUSABLE);
    }
    let explicitly_stale = says.stale_while_revalidate.max(says.stale_if_error.unwrap_or(0));
    Ok((fresh + stale_for.max(explicitly_stale)).max(1))
}

/// Statuses that this cache does all that is said of them (section 3; RFC 9110, section 15).
fn is_understood(status: u16) -> bool {
    freshness::is_heuristic(status)
        || matches!(
            status,
            201 | 202 | 302 | 303 | 307 | 400 | 401 | 403 | 406 | 409 | 422 | 429 | 500 | 502 | 503 | 504
        )
}

/// The headers that are kept: none that are about the connection (section 3.1), the edge's own link or one request, and
/// none that the response withholds. A date is added where there is none (RFC 9110, section 6.6.1).
pub fn kept_headers(response: &[Field], now: u64) -> Vec<Field> {
    let withheld = ResponseDirectives::read(response).withheld;
    let stays = |field: &&Field| !is_transient(response, &field.name) && !withheld.contains(&field.name);
    let mut kept: Vec<Field> = response.iter().filter(stays).cloned().collect();
    if !headers::has(&kept, "date") {
        kept.push(Field::new("date", httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(now))));
    }
    kept
}

fn is_transient(response: &[Field], name: &str) -> bool {
    // Allowances are of the request that drew on them (draft-ietf-httpapi-ratelimit-headers, section 7.3).
    const REQUEST: [&str; 4] = ["ratelimit", "ratelimit-policy", "server-timing", "x-request-id"];
    headers::is_hop_by_hop(name)
        || name == "trailer"
        || REQUEST.contains(&name)
        || (name.starts_with("breakwater-") && name != crate::PERSONAL)
        || headers::list(response, "connection").any(|listed| listed.eq_ignore_ascii_case(name))
}
