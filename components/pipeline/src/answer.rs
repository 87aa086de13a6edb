//! What every answer carries, whoever gave it.

use breakwater_kit::headers as kit;
use breakwater_kit::types::{Field, Problem, ResponseHead};
use bytes::Bytes;

use crate::cors::Origin;
use crate::effect::{Answer, Body};
use crate::{Seed, handshake, headers, ids, problem};

/// A year; without subdomains, which may belong to someone else.
const HSTS: &str = "max-age=31536000";

/// For pages that bring no policy of their own.
const PAGE_POLICY: &str =
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'";

/// What is known of a request when its answer is finished.
pub struct Asked<'a> {
    pub request_id: &'a str,
    pub https: bool,
    pub head_only: bool,
    pub origin: &'a Origin,
}

/// Makes an answer complete.
pub fn finish(
    mut head: ResponseHead,
    mut body: Body,
    asked: &Asked<'_>,
    limits: impl Iterator<Item = Field>,
) -> Answer {
    let fields = &mut head.headers;
    headers::strip_hop_by_hop(fields);
    // RFC 9110, section 15.5.22: who refuses without says with what.
    if matches!(body, Body::Tunnel) || head.status == 426 {
        handshake::say(fields);
    }
    if matches!(body, Body::Tunnel) {
        headers::remove(fields, "content-length");
    }
    headers::strip_internal(fields);
    headers::set(fields, "x-request-id", asked.request_id);
    for field in limits {
        headers::set(fields, &field.name, field.value);
    }
    asked.origin.apply(fields);
    secure(fields, asked.https);
    // RFC 9110, section 15: these have no body, whatever was said.
    let bodiless = matches!(head.status, 204 | 304);
    let mut set = Vec::new();
    if bodiless {
        headers::remove(fields, "content-length");
        // A 304 is never kept.
        if let (204, Body::Upstream(Some(keep))) = (head.status, std::mem::replace(&mut body, Body::Empty)) {
            set = keep.entries(b"");
        }
    }
    if let Body::Whole(bytes) = &body {
        headers::set(&mut head.headers, "content-length", bytes.len().to_string());
    }
    if asked.head_only && !matches!(body, Body::Upstream(_) | Body::Tunnel) {
        body = Body::Empty;
    }
    Answer { head, body, coding: None, set, renewal: None }
}

/// What a shared cache may do with answers to `Authorization` (RFC 9111, section 3.5) it may do with this one, and no more:
/// it cannot know by itself that a cookie, a key or a certificate stands behind it.
pub fn keep_private(fields: &mut Vec<Field>) {
    const SAID: [&str; 5] = ["private", "no-store", "public", "must-revalidate", "s-maxage"];
    let said = kit::list(fields, "cache-control").any(|directive| {
        let name = directive.split('=').next().unwrap_or_default();
        SAID.iter().any(|said| name.trim_end().eq_ignore_ascii_case(said))
    });
    if !said {
        headers::push(fields, "cache-control", "private");
    }
}

fn secure(fields: &mut Vec<Field>, https: bool) {
    headers::set(fields, "x-content-type-options", "nosniff");
    headers::set_default(fields, "referrer-policy", "no-referrer");
    if headers::get(fields, "content-type").is_some_and(|kind| kind.starts_with(b"text/html")) {
        headers::set_default(fields, "content-security-policy", PAGE_POLICY);
    }
    if https {
        headers::set(fields, "strict-transport-security", HSTS);
    }
}

/// A refusal as head and body.
pub fn refusal(problem: Problem, request_id: &str) -> (ResponseHead, Body) {
    let body = problem::render(&problem, request_id);
    let mut fields = problem.headers;
    headers::set(&mut fields, "content-type", "application/problem+json");
    headers::set_default(&mut fields, "cache-control", "no-store");
    (ResponseHead { status: problem.status, headers: fields }, Body::Whole(body))
}

/// Where a shell stands that has to refuse something of which no [`Exchange`](crate::Exchange) came to be: a head that
/// its parser refused, or one that it cannot express as a [`RequestHead`](breakwater_kit::types::RequestHead).
#[derive(Debug, Clone, Copy)]
pub struct OutsideAnswer {
    /// Whether the connection is TLS.
    pub https: bool,
    /// For the request id.
    pub seed: Seed,
    /// Unix milliseconds.
    pub now_ms: u64,
}

/// A refusal that looks like every other.
pub fn answer_outside(problem: Problem, outside: &OutsideAnswer) -> (ResponseHead, Bytes) {
    let request_id = ids::request_id(&[], &outside.seed, outside.now_ms);
    let (head, body) = refusal(problem, &request_id);
    let origin = Origin::nowhere();
    let asked = Asked { request_id: &request_id, https: outside.https, head_only: false, origin: &origin };
    let answer = finish(head, body, &asked, std::iter::empty());
    match answer.body {
        Body::Whole(bytes) => (answer.head, bytes),
        Body::Empty | Body::Upstream(_) | Body::Tunnel => (answer.head, Bytes::new()),
    }
}
