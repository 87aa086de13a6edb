//! How every refusal is written (RFC 9457), whichever policy or part of the edge it came from.

use breakwater_kit::headers;
use breakwater_kit::types::{Problem, ResponseHead};
use bytes::Bytes;
use serde::Serialize;

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

/// A problem that a policy wrote by itself gets the request id, which only the gateway knows; other bodies stay.
pub fn with_request_id(head: &ResponseHead, body: Vec<u8>, request_id: &str) -> Bytes {
    if headers::first(&head.headers, "content-type") == Some("application/problem+json")
        && let Ok(mut problem) = serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(&body)
    {
        problem.insert("request_id".to_owned(), request_id.into());
        return serde_json::to_vec(&problem).unwrap_or(body).into();
    }
    body.into()
}
