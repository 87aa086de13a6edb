//! Refusals of the edge's own, and how every refusal is written (RFC 9457).

use breakwater_kit::types::{Field, Problem};
use bytes::Bytes;
use serde::Serialize;

/// Why the edge itself refuses a request. `docs/problems.md` lists the same slugs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The head makes no sense; the text says why.
    BadRequest(&'static str),
    /// The edge does not do this method at all.
    Method,
    /// The client took too long to send.
    RequestTimeout,
    /// More body than the route lets through.
    PayloadTooLarge {
        /// What the route lets through.
        max_bytes: u64,
    },
    /// Path and query are too long.
    UriTooLong,
    /// Too many headers, or too large.
    HeadersTooLarge,
    /// A policy failed, or the snapshot contradicts itself.
    Internal,
    /// No snapshot has come yet.
    NotReady,
    /// The upstream gave no answer.
    UpstreamUnavailable {
        /// When to come again.
        retry_after_seconds: u32,
    },
    /// The upstream's answer took too long.
    UpstreamTimeout,
}

/// What the edge does not refuse for the method alone; RFC 9110, section 15.5.6 wants a list.
const METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let problem = |status, slug: &str, title: &str, detail: &str| Self {
            status,
            slug: slug.to_owned(),
            title: title.to_owned(),
            detail: detail.to_owned(),
            headers: Vec::new(),
        };
        let with = |mut problem: Self, name: &str, value: String| {
            problem.headers.push(Field { name: name.to_owned(), value: value.into_bytes() });
            problem
        };
        match refusal {
            Refusal::BadRequest(why) => problem(400, "bad-request", "Bad request", why),
            Refusal::Method => with(
                problem(405, "method-not-allowed", "Method not allowed", "This method is not available here."),
                "allow",
                METHODS.to_owned(),
            ),
            Refusal::RequestTimeout => {
                problem(408, "request-timeout", "Request timeout", "The request took too long to arrive.")
            }
            Refusal::PayloadTooLarge { max_bytes } => problem(
                413,
                "payload-too-large",
                "Payload too large",
                &format!("The request body may have {max_bytes} bytes at the most."),
            ),
            Refusal::UriTooLong => {
                problem(414, "uri-too-long", "URI too long", "The request's path and query are too long.")
            }
            Refusal::HeadersTooLarge => problem(
                431,
                "headers-too-large",
                "Request header fields too large",
                "The request has too many headers, or they are too large.",
            ),
            Refusal::Internal => problem(
                500,
                "internal",
                "Internal error",
                "Something went wrong here. The request id helps to find out what.",
            ),
            Refusal::NotReady => with(
                problem(503, "not-ready", "Not ready", "The gateway has just started and has no configuration yet."),
                "retry-after",
                "1".to_owned(),
            ),
            Refusal::UpstreamUnavailable { retry_after_seconds } => with(
                problem(
                    503,
                    "upstream-unavailable",
                    "Service unavailable",
                    "The service behind the gateway cannot be reached.",
                ),
                "retry-after",
                retry_after_seconds.to_string(),
            ),
            Refusal::UpstreamTimeout => problem(
                504,
                "upstream-timeout",
                "Upstream timeout",
                "The service behind the gateway took too long to answer.",
            ),
        }
    }
}

#[derive(Serialize)]
struct Document<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    request_id: &'a str,
}

/// The problem as JSON.
pub fn render(problem: &Problem, request_id: &str) -> Bytes {
    let document = Document {
        r#type: format!("urn:breakwater:problem:{}", problem.slug),
        title: &problem.title,
        status: problem.status,
        detail: &problem.detail,
        request_id,
    };
    // Strings and a number always make JSON.
    serde_json::to_vec(&document).unwrap_or_default().into()
}
