//! Answers that are no file.

use breakwater_kit::types::{Field, File, Problem, ResponseHead};
use breakwater_kit::{headers, problems};
use serde_json::json;

use crate::files::NOT_FOUND;

/// A page where HTML is accepted by name, a problem otherwise (RFC 9110, section 12.5.1).
pub fn not_found(request: &[Field]) -> File {
    let mut file = if headers::list(request, "accept").any(names_html) {
        let headers = vec![
            Field::new("content-type", "text/html; charset=utf-8"),
            Field::new("x-content-type-options", "nosniff"),
        ];
        File { head: ResponseHead { status: 404, headers }, body: NOT_FOUND.to_vec() }
    } else {
        problem(problems::not_found())
    };
    file.head.headers.push(Field::new("cache-control", "no-store"));
    file.head.headers.push(Field::new("vary", "accept"));
    file
}

/// Files are for reading.
pub fn method_not_allowed() -> File {
    problem(problems::method_not_allowed("GET, HEAD"))
}

/// As RFC 9457 has it. The request's id is in the header that the gateway adds to every answer.
fn problem(problem: Problem) -> File {
    let body = json!({
        "type": format!("urn:breakwater:problem:{}", problem.slug),
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
    });
    let mut headers = problem.headers;
    headers.push(Field::new("content-type", "application/problem+json"));
    headers.push(Field::new("x-content-type-options", "nosniff"));
    File { head: ResponseHead { status: problem.status, headers }, body: body.to_string().into_bytes() }
}

/// Whether a member of `Accept` is HTML, with a weight that is not zero.
fn names_html(member: &str) -> bool {
    let mut parts = member.split(';').map(str::trim);
    let kind = parts.next().unwrap_or_default();
    let html = kind.eq_ignore_ascii_case("text/html") || kind.eq_ignore_ascii_case("application/xhtml+xml");
    let weight = |parameter: &str| {
        let (name, value) = parameter.split_once('=')?;
        if name.trim().eq_ignore_ascii_case("q") { value.trim().parse::<f32>().ok() } else { None }
    };
    html && parts.find_map(weight).is_none_or(|weight| weight > 0.0)
}
