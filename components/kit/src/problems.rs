//! The refusals of the edge, one constructor each (RFC 9457). `docs/problems.md` tells clients about them.
//!
//! A constructor fixes slug, status and title; what varies is the detail, which is said to strangers and
//! therefore names nothing that they did not send.

use crate::types::{Field, Problem};

impl Problem {
    /// The same problem with one more header.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push(Field::new(name, value));
        self
    }
}

fn problem(status: u16, slug: &str, title: &str, detail: impl Into<String>) -> Problem {
    Problem { status, slug: slug.into(), title: title.into(), detail: detail.into(), headers: Vec::new() }
}

/// The request cannot be understood.
pub fn bad_request(detail: impl Into<String>) -> Problem {
    problem(400, "bad-request", "Bad request", detail)
}

/// No credentials, and the route wants some. `challenge` is the value of `www-authenticate`.
pub fn authentication_required(challenge: &str) -> Problem {
    problem(
        401,
        "authentication-required",
        "Authentication required",
        "Send a bearer access token in the Authorization header.",
    )
    .with("www-authenticate", challenge)
}

/// Credentials that are not good. Why is nobody's business.
pub fn invalid_token(challenge: &str) -> Problem {
    problem(
        401,
        "invalid-token",
        "Invalid access token",
        "The access token is malformed, expired, revoked or otherwise not valid.",
    )
    .with("www-authenticate", challenge)
}

/// A good token without the scopes that the route wants.
pub fn insufficient_scope(challenge: &str) -> Problem {
    problem(403, "insufficient-scope", "Insufficient scope", "The access token lacks a scope that this needs.")
        .with("www-authenticate", challenge)
}

/// A page of another site, and the route does not let it in.
pub fn origin_not_allowed() -> Problem {
    problem(403, "origin-not-allowed", "Origin not allowed", "Pages of this origin may not open a connection here.")
}

/// A request with a session's cookies that may have been caused by another site.
pub fn cross_site_request() -> Problem {
    problem(
        403,
        "cross-site-request",
        "The request may come from another site",
        "With cookies, send what changes something from a page of this site or of an origin that is configured, with the \
         session's token in X-CSRF-Token.",
    )
}

/// Nothing is there.
pub fn not_found() -> Problem {
    problem(404, "not-found", "Not found", "There is nothing at this address.")
}

/// Something is there, in other versions than the one that was asked for.
pub fn unsupported_version(versions: &[&str]) -> Problem {
    let list = versions.join(", ");
    problem(400, "unsupported-version", "Unsupported version", format!("Versions that can be used here: {list}."))
}

/// Something is there, and does not take this method. `allow` lists those that it takes.
pub fn method_not_allowed(allow: &str) -> Problem {
    problem(405, "method-not-allowed", "Method not allowed", format!("Methods that can be used here: {allow}."))
        .with("allow", allow)
}

/// The client took too long to send its request.
pub fn request_timeout() -> Problem {
    problem(408, "request-timeout", "Request timeout", "The request did not arrive in time.")
}

/// A body of more than `limit` bytes.
pub fn payload_too_large(limit: u64) -> Problem {
    problem(413, "payload-too-large", "Payload too large", format!("At most {limit} bytes are taken here."))
}

/// An address that is too long.
pub fn uri_too_long() -> Problem {
    problem(414, "uri-too-long", "URI too long", "The path or the query is too long.")
}

/// Header fields that are too many or too long.
pub fn headers_too_large() -> Problem {
    problem(431, "headers-too-large", "Header fields too large", "The header fields are too many or too long.")
}

/// A body of a kind that is not taken.
pub fn unsupported_media_type(detail: &str) -> Problem {
    problem(415, "unsupported-media-type", "Unsupported media type", detail)
}

/// A WebSocket in a version that is not spoken.
pub fn upgrade_required() -> Problem {
    problem(426, "upgrade-required", "Upgrade required", "WebSockets are spoken here in version 13 (RFC 6455).")
}

/// Too many requests; come back after this many seconds.
pub fn rate_limited(retry_after: u64) -> Problem {
    problem(429, "rate-limited", "Too many requests", format!("Try again in {}.", seconds(retry_after)))
        .with("retry-after", retry_after.to_string())
}

/// Our own fault.
pub fn internal() -> Problem {
    problem(500, "internal", "Internal error", "Something went wrong here.")
}

/// A WebSocket, where the gateway's host can carry none.
pub fn upgrade_not_supported() -> Problem {
    problem(
        501,
        "upgrade-not-supported",
        "Upgrade not supported",
        "This gateway cannot carry a WebSocket. Use the server-sent events of this address, if it has any.",
    )
}

/// Closed for a while; come back after this many seconds.
pub fn maintenance(retry_after: u64, detail: Option<&str>) -> Problem {
    let detail = detail.map_or_else(|| format!("Try again in {}.", seconds(retry_after)), str::to_owned);
    problem(503, "maintenance", "Under maintenance", detail).with("retry-after", retry_after.to_string())
}

/// The upstream's answer is not one that could be brought into the form that clients of this route get.
pub fn bad_upstream_answer() -> Problem {
    problem(502, "bad-upstream-answer", "Bad answer", "What came from behind the gateway could not be used.")
}

/// The body says that it is JSON and is not.
pub fn malformed_json() -> Problem {
    problem(400, "malformed-json", "Malformed JSON", "The body is not well-formed JSON.")
}

/// What the answer depends on cannot be reached; come back after this many seconds.
pub fn upstream_unavailable(retry_after: u64) -> Problem {
    problem(503, "upstream-unavailable", "Temporarily unavailable", format!("Try again in {}.", seconds(retry_after)))
        .with("retry-after", retry_after.to_string())
}

/// The edge has no configuration yet; come back after this many seconds.
pub fn not_ready(retry_after: u64) -> Problem {
    problem(503, "not-ready", "Not ready", format!("This edge is starting. Try again in {}.", seconds(retry_after)))
        .with("retry-after", retry_after.to_string())
}

/// The upstream took too long to answer.
pub fn upstream_timeout() -> Problem {
    problem(504, "upstream-timeout", "Upstream timeout", "The answer did not come in time.")
}

/// The client asked for `only-if-cached`, and there is nothing (RFC 9111, section 5.2.1.7).
pub fn not_cached() -> Problem {
    problem(504, "not-cached", "Not cached", "No stored response can be used, and the request asks for nothing else.")
}

fn seconds(count: u64) -> String {
    if count == 1 { "1 second".into() } else { format!("{count} seconds") }
}
