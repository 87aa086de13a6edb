//! What a route changes in requests and answers, besides sending them on.

use breakwater_kit::problems;
use breakwater_kit::types::{Extras, Field, HeaderEdit, Problem, ResponseHead};
use bytes::Bytes;

use crate::headers;
use crate::json_body::{self, Unfit};

/// Digests are of the bytes that they came with (RFC 9530).
const DIGESTS: [&str; 4] = ["content-digest", "content-md5", "digest", "repr-digest"];

/// Makes a route's edits of headers, in order.
pub fn edit_headers(fields: &mut Vec<Field>, edits: &[HeaderEdit]) {
    for edit in edits {
        match edit {
            HeaderEdit::Set(field) => headers::set(fields, &field.name, field.value.as_slice()),
            HeaderEdit::Add(field) => fields.push(field.clone()),
            HeaderEdit::Remove(name) => headers::remove(fields, name),
        }
    }
}

/// Asks the upstream for what can be changed, and understands the entity tags that [`answer_head`] made weak.
pub fn ask_for_changeable(fields: &mut Vec<Field>) {
    headers::set(fields, "accept-encoding", "identity");
    headers::remove(fields, "range");
    headers::remove(fields, "if-range");
    for field in fields.iter_mut().filter(|field| field.name == "if-match") {
        // A client that says what it read says it of our form of it; `If-Match` compares strongly (RFC 9110, section 13.1.1).
        let value = String::from_utf8_lossy(&field.value).replace("W/\"", "\"");
        field.value = value.into_bytes();
    }
}

/// Whether the request's body is one that the route changes.
pub fn changes_request(extras: &Extras, method: &str, fields: &[Field]) -> Result<bool, Problem> {
    if extras.request_body.is_empty() || matches!(method, "GET" | "HEAD") || !has_json(fields) {
        return Ok(false);
    }
    if is_encoded(fields) {
        return Err(problems::unsupported_media_type("The body must not be compressed here."));
    }
    Ok(true)
}

/// The request's body as the upstream gets it.
pub fn request_body(extras: &Extras, body: &[u8]) -> Result<Bytes, Problem> {
    json_body::apply(&extras.request_body, body).map_err(|unfit| match unfit {
        Unfit::Malformed => problems::malformed_json(),
        Unfit::TooLarge => problems::payload_too_large(json_body::MAX_BYTES),
    })
}

/// What has to be said of a body that was changed.
pub fn body_changed(fields: &mut Vec<Field>) {
    fields.retain(|field| !DIGESTS.contains(&field.name.as_str()));
}

/// Whether an answer is one whose body the route changes.
pub fn changes_answer(extras: &Extras, head: &ResponseHead) -> bool {
    !extras.response_body.is_empty() && (200..300).contains(&head.status) && has_json(&head.headers)
}

/// The head of an answer whose body is changed, whether the body comes along (`GET`) or not (`HEAD`, 304).
pub fn answer_head(head: &mut ResponseHead) -> Result<(), Problem> {
    if head.status == 206 || is_encoded(&head.headers) {
        return Err(problems::bad_upstream_answer());
    }
    let fields = &mut head.headers;
    body_changed(fields);
    headers::remove(fields, "content-length");
    headers::remove(fields, "accept-ranges");
    weaken(fields);
    Ok(())
}

/// What was made of a body is no longer the same byte by byte (RFC 9110, section 8.8.1).
pub fn weaken(fields: &mut [Field]) {
    for field in fields.iter_mut().filter(|field| field.name == "etag" && field.value.starts_with(b"\"")) {
        field.value.splice(0..0, *b"W/");
    }
}

/// An answer's body as the client gets it.
pub fn answer_body(extras: &Extras, body: &[u8]) -> Result<Bytes, Problem> {
    json_body::apply(&extras.response_body, body).map_err(|_| problems::bad_upstream_answer())
}

fn has_json(fields: &[Field]) -> bool {
    headers::get(fields, "content-type").is_some_and(json_body::is_json)
}

fn is_encoded(fields: &[Field]) -> bool {
    headers::get(fields, "content-encoding").is_some_and(|coding| !coding.eq_ignore_ascii_case(b"identity"))
}
