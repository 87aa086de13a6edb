//! Whether a stored response answers a request (RFC 9111, section 4).

use breakwater_kit::headers;
use breakwater_kit::types::*;

use crate::directives::{FOREVER, RequestDirectives, ResponseDirectives};
use crate::freshness;
use crate::purge::Purged;
use crate::range::{self, Wanted};
use crate::validation;

/// A stored response beside the request that it may answer.
pub struct Found<'a> {
    pub request: &'a RequestHead,
    pub head: &'a StoredHead,
    /// Bytes of its body.
    pub length: u64,
    /// Whether it is for this very caller.
    pub personal: bool,
    pub now: u64,
}

impl Found<'_> {
    /// What to do with it.
    pub fn judge(&self, wants: &RequestDirectives, purged: Option<Purged>) -> CacheUse {
        let says = ResponseDirectives::read(&self.head.headers);
        let authorized = headers::has(&self.request.headers, "authorization");
        // Such responses are not kept; the state is shared, though, and not every edge need be of our version.
        let forbidden = !self.personal && (says.private || (authorized && !says.allows_authorized()));
        if forbidden || purged == Some(Purged::Hard) {
            return CacheUse::Miss;
        }
        let (lifetime, age) = (freshness::lifetime(self.head, &says), freshness::age(self.head, self.now));
        // A purged response is stale from now on.
        let lifetime = if purged.is_some() { lifetime.min(age) } else { lifetime };
        if is_acceptable(wants, &says, lifetime, age) {
            return CacheUse::Hit(self.answer(age, lifetime));
        }
        let staleness = age.saturating_sub(lifetime);
        let fresh = lifetime > age && !says.no_cache;
        let conditions = validation::question(self.request, self.head).unwrap_or_default();
        // RFC 5861, section 3: not for clients that want it newer.
        if !fresh
            && !says.forbids_stale()
            && staleness <= says.stale_while_revalidate
            && says.stale_while_revalidate > 0
            && *wants == RequestDirectives::default()
        {
            let conditions = validation::validator(self.head).into_iter().collect();
            return CacheUse::Renew(Renewal { hit: self.answer(age, lifetime), conditions });
        }
        let reason = if fresh { "request" } else { "stale" };
        // What has to be validated each time does not help the next.
        CacheUse::Validate(Question { conditions, reason: reason.into(), shared: !fresh && lifetime > 0 })
    }

    /// Whether it answers although it is stale, because the upstream cannot.
    pub fn rescue(&self, status: Option<u16>, most: u64) -> Option<Hit> {
        let says = ResponseDirectives::read(&self.head.headers);
        if says.forbids_stale() {
            return None;
        }
        let (lifetime, age) = (freshness::lifetime(self.head, &says), freshness::age(self.head, self.now));
        let staleness = age.saturating_sub(lifetime);
        // RFC 5861, section 4, for both sides.
        let asked = RequestDirectives::read(&self.request.headers).stale_if_error;
        let explicit = says.stale_if_error.max(asked);
        let allowed = match (status, explicit) {
            (None | Some(500 | 502..=504), Some(allowed)) if staleness <= allowed => true,
            // Section 4.2.4: a cache that is disconnected may, unless it is forbidden.
            (None, None) => staleness <= most && !says.discourages_stale(),
            _ => false,
        };
        allowed.then(|| self.answer(age, lifetime))
    }

    fn answer(&self, age: u64, lifetime: u64) -> Hit {
        let (request, head) = (self.request, self.head);
        let mut hit = Hit {
            status: head.status,
            set: vec![Field::new("age", age.min(FOREVER).to_string())],
            drop: Vec::new(),
            part: if request.method == "HEAD" { BodyPart::None } else { BodyPart::Whole },
            ttl: i64::try_from(lifetime).unwrap_or(i64::MAX).saturating_sub(i64::try_from(age).unwrap_or(i64::MAX)),
        };
        if head.status == 200 && validation::is_current(request, head) {
            hit.status = 304;
            hit.part = BodyPart::None;
            let names = head.headers.iter().map(|field| &field.name);
            hit.drop = names.filter(|name| !validation::belongs_on_304(name)).cloned().collect();
            return hit;
        }
        match range::wanted(request, head, self.length) {
            Wanted::Whole => {}
            Wanted::Part(from, end) => {
                hit.status = 206;
                hit.set.push(Field::new("content-range", format!("bytes {from}-{}/{}", end - 1, self.length)));
                hit.set.push(Field::new("content-length", (end - from).to_string()));
                hit.part = BodyPart::Range((from, end));
            }
            Wanted::Nothing => {
                // RFC 9110, section 15.5.17. What describes the body does not describe its absence.
                hit.status = 416;
                hit.set.push(Field::new("content-range", format!("bytes */{}", self.length)));
                hit.set.push(Field::new("content-length", "0"));
                hit.drop = ["content-type", "content-encoding", "etag", "last-modified"].map(str::to_owned).into();
                hit.part = BodyPart::None;
            }
        }
        hit
    }
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
    wants.max_stale > 0 && wants.min_fresh == 0 && !says.discourages_stale() && age - lifetime <= wants.max_stale
}
