//! Whether a stored response answers a request (RFC 9111, section 4).

use breakwater_kit::headers;
use breakwater_kit::types::*;

use crate::directives::{RequestDirectives, ResponseDirectives};
use crate::freshness;
use crate::validation;

/// What to do with a response that was stored under the request's key.
pub fn judge(request: &RequestHead, wants: &RequestDirectives, head: &StoredHead, now: u64) -> CacheUse {
    let says = ResponseDirectives::read(&head.headers);
    let authorized = headers::has(&request.headers, "authorization");
    // Such responses are not kept; the state is shared, though, and not every edge need be of our version.
    if says.no_store || says.private || (authorized && !says.allows_authorized()) {
        return CacheUse::Miss;
    }
    let lifetime = freshness::lifetime(head, &says);
    let age = freshness::age(head, now);
    if is_acceptable(wants, &says, lifetime, age) {
        return answer(request, head, age, lifetime);
    }
    validation::question(request, head).map_or(CacheUse::Miss, CacheUse::Validate)
}

/// Sections 4.2 and 5.2.1.
fn is_acceptable(wants: &RequestDirectives, says: &ResponseDirectives, lifetime: u64, age: u64) -> bool {
    if wants.no_cache || says.no_cache || wants.max_age.is_some_and(|limit| age > limit) {
        return false;
    }
    if lifetime > age {
        return lifetime - age >= wants.min_fresh;
    }
    // Stale: only for clients that say so, and never where the response forbids it (section 4.2.4).
    wants.max_stale > 0 && wants.min_fresh == 0 && !says.forbids_stale() && age - lifetime <= wants.max_stale
}

fn answer(request: &RequestHead, head: &StoredHead, age: u64, lifetime: u64) -> CacheUse {
    let mut headers: Vec<Field> = head.headers.iter().filter(|field| field.name != "age").cloned().collect();
    headers.push(Field::new("age", age.to_string()));
    // RFC 9211, section 2; negative when stale.
    let ttl = i128::from(lifetime) - i128::from(age);
    headers.push(Field::new("cache-status", format!("breakwater; hit; ttl={ttl}")));
    if head.status == 200 && validation::is_current(request, head) {
        headers.retain(|field| validation::belongs_on_304(&field.name));
        return CacheUse::WithoutBody(ResponseHead { status: 304, headers });
    }
    let response = ResponseHead { status: head.status, headers };
    if request.method == "HEAD" { CacheUse::WithoutBody(response) } else { CacheUse::Fresh(response) }
}
