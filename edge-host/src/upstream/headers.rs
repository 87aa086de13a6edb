//! Header lines between hyper and the policies' records.

use breakwater_kit::types::Field;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};

/// For policies and pipeline.
pub fn to_fields(headers: &HeaderMap) -> Vec<Field> {
    headers.iter().map(|(name, value)| Field::new(name.as_str(), value.as_bytes())).collect()
}

/// For hyper. A line that is no header, which only a policy can have made, is left out and logged: it must not be
/// able to end the head.
pub fn to_header_map(fields: Vec<Field>) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(fields.len() + 2);
    for Field { name, value } in fields {
        let parsed = HeaderName::from_bytes(name.as_bytes()).ok();
        match (parsed, HeaderValue::from_maybe_shared(Bytes::from(value)).ok()) {
            (Some(name), Some(value)) => {
                headers.append(name, value);
            }
            _ => tracing::warn!(name, "a policy made a header that is none"),
        }
    }
    headers
}
