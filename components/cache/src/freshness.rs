//! How old a response is, and how old it may become (RFC 9111, section 4.2).

use std::time::UNIX_EPOCH;

use breakwater_kit::headers;
use breakwater_kit::types::{Field, StoredHead};

use crate::directives::ResponseDirectives;

/// The longest that is guessed (section 4.2.2).
const MAX_HEURISTIC: u64 = 24 * 60 * 60;

/// Seconds for which a response is fresh from its origin on (section 4.2.1).
pub fn lifetime(head: &StoredHead, says: &ResponseDirectives) -> u64 {
    if says.no_cache {
        return 0;
    }
    if let Some(explicit) = says.s_maxage.or(says.max_age) {
        return explicit;
    }
    let date = date(head);
    if says.targeted {
        return 0;
    }
    if headers::has(&head.headers, "expires") {
        // Not a date, or two of them: expired (section 5.3).
        let mut values = headers::values(&head.headers, "expires");
        return match (values.next().and_then(parse), values.next()) {
            (Some(expires), None) => expires.saturating_sub(date),
            _ => 0,
        };
    }
    if !says.public && !is_heuristic(head.status) {
        return 0;
    }
    let modified = time(&head.headers, "last-modified").filter(|modified| *modified <= date);
    modified.map_or(0, |modified| ((date - modified) / 10).min(MAX_HEURISTIC))
}

/// Whether the response says itself for how long it is fresh.
pub fn is_explicit(head: &StoredHead, says: &ResponseDirectives) -> bool {
    says.s_maxage.is_some() || says.max_age.is_some() || (!says.targeted && headers::has(&head.headers, "expires"))
}

/// Statuses whose freshness may be guessed (RFC 9110, section 15.1), without 206, which is not kept.
pub fn is_heuristic(status: u16) -> bool {
    matches!(status, 200 | 203 | 204 | 300 | 301 | 308 | 404 | 405 | 410 | 414 | 501)
}

/// `current_age` (section 4.2.3).
pub fn age(head: &StoredHead, now: u64) -> u64 {
    let apparent = head.received_at.saturating_sub(date(head));
    let delay = head.received_at.saturating_sub(head.requested_at);
    // Of several values the first counts, and what is no number is ignored (section 5.1).
    let told = headers::list(&head.headers, "age").next().and_then(|value| value.parse::<u64>().ok()).unwrap_or(0);
    let initial = apparent.max(told.saturating_add(delay));
    initial.saturating_add(now.saturating_sub(head.received_at))
}

/// When the response was made; when it came, if it does not say (RFC 9110, section 6.6.1).
pub fn date(head: &StoredHead) -> u64 {
    time(&head.headers, "date").unwrap_or(head.received_at)
}

/// A field's time in Unix seconds.
pub fn time(fields: &[Field], name: &str) -> Option<u64> {
    headers::values(fields, name).next().and_then(parse)
}

fn parse(value: &[u8]) -> Option<u64> {
    let time = httpdate::parse_http_date(std::str::from_utf8(value).ok()?).ok()?;
    Some(time.duration_since(UNIX_EPOCH).ok()?.as_secs())
}
