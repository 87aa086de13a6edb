//! How every refusal is written (RFC 9457), whichever policy or part of the edge it came from.

use breakwater_kit::types::Problem;
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
