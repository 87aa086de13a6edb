//! Validators: asking the origin whether a stored response is still current, and telling clients (RFC 9111, section 4.3).

use breakwater_kit::entity_tag;
use breakwater_kit::headers;
use breakwater_kit::types::{Field, RequestHead, ResponseHead, Sent, StoredHead};

use crate::freshness;
use crate::reason;
use crate::storing;

/// The header to ask with: the entity tag if there is one, else the date of the last change (section 4.3.1).
pub fn validator(head: &StoredHead) -> Option<Field> {
    let copy = |of: &str, name: &str| {
        let value = headers::values(&head.headers, of).next().filter(|value| !value.is_empty())?;
        Some(Field::new(name, value))
    };
    copy("etag", "if-none-match").or_else(|| copy("last-modified", "if-modified-since"))
}

/// What to add to the request. An entity tag joins those that the client asks with; a date cannot, so the client's own
/// question goes alone then.
pub fn question(request: &RequestHead, head: &StoredHead) -> Option<Vec<Field>> {
    let field = validator(head)?;
    let own = |name| headers::has(&request.headers, name);
    let alone = field.name == "if-modified-since" && (own("if-none-match") || own("if-modified-since"));
    // `*` is a list of its own (RFC 9110, section 13.1.2).
    let any = headers::list(&request.headers, "if-none-match").any(|tag| tag == "*");
    (!alone && !any).then(|| vec![field])
}

/// Whether the client has this response already (section 4.3.2; RFC 9110, section 13.2.2).
pub fn is_current(request: &RequestHead, head: &StoredHead) -> bool {
    let tag = headers::first(&head.headers, "etag");
    if let Some(hit) = entity_tag::none_match_hit(&request.headers, tag) {
        return hit;
    }
    let changed = freshness::time(&head.headers, "last-modified").or_else(|| freshness::time(&head.headers, "date"));
    match (freshness::time(&request.headers, "if-modified-since"), changed) {
        (Some(since), Some(changed)) => changed <= since,
        _ => false,
    }
}

/// What a 304 carries (RFC 9110, section 15.4.5), and what caches on the way want to know.
pub fn belongs_on_304(name: &str) -> bool {
    const NAMES: [&str; 9] = [
        "age",
        "cache-control",
        "cache-status",
        "content-location",
        "date",
        "etag",
        "expires",
        "last-modified",
        "vary",
    ];
    NAMES.contains(&name)
}

/// The stored response with the headers of a 304 (section 4.3.4) or of the answer to a HEAD (section 4.3.5), or why
/// the answer is not about it.
pub fn freshened(stored: &StoredHead, answer: &ResponseHead, sent: Sent, now: u64) -> Result<StoredHead, &'static str> {
    if answer.status != 304 && answer.status != stored.status {
        return Err(reason::STATUS);
    }
    let length = |headers: &[Field]| headers::first(headers, "content-length").map(str::to_owned);
    let other_length = answer.status != 304
        && length(&answer.headers).is_some_and(|new| length(&stored.headers).is_some_and(|old| old != new));
    if other_length || !is_about(stored, answer) {
        return Err(reason::OTHER_VALIDATOR);
    }
    let new = storing::kept_headers(&answer.headers, now);
    let mut merged: Vec<Field> = stored
        .headers
        .iter()
        // The age was that of the old answer.
        .filter(|field| field.name != "age" && (describes_body(&field.name) || !headers::has(&new, &field.name)))
        .cloned()
        .collect();
    merged.extend(new.into_iter().filter(|field| !describes_body(&field.name)));
    Ok(StoredHead {
        status: stored.status,
        headers: merged,
        requested_at: sent.at,
        received_at: now,
        epoch: sent.epoch,
    })
}

/// The strongest validator that both have decides; without any, the 304 can only be about what we asked with.
fn is_about(stored: &StoredHead, answer: &ResponseHead) -> bool {
    for name in ["etag", "last-modified"] {
        let new = headers::first(&answer.headers, name);
        let old = headers::first(&stored.headers, name);
        if let Some(new) = new {
            return old.is_some_and(|old| entity_tag::opaque(old) == entity_tag::opaque(new));
        }
    }
    true
}

/// Headers that belong to the stored body and stay with it (section 3.2).
fn describes_body(name: &str) -> bool {
    matches!(name, "content-encoding" | "content-length" | "content-range" | "content-type")
}
