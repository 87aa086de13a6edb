//! The edge's own answers: `/healthz` (it is alive) and `/readyz` (it can serve).

use breakwater_kit::types::{Field, RequestHead, ResponseHead};
use bytes::Bytes;

use crate::problem::Refusal;

/// The answer if the request is for the edge itself.
///
/// Readiness is the edge's own: an edge whose core is away still answers from what it has, and still says so with 503
/// problems, which is better than an edge that its load balancer takes away.
pub fn answer(request: &RequestHead, ready: bool) -> Option<Result<(ResponseHead, Bytes), Refusal>> {
    let body: &'static [u8] = match request.path.as_str() {
        "/healthz" => br#"{"status":"alive"}"#,
        "/readyz" if ready => br#"{"status":"ready"}"#,
        "/readyz" => return Some(Err(Refusal::NotReady)),
        _ => return None,
    };
    if !matches!(request.method.as_str(), "GET" | "HEAD") {
        return Some(Err(Refusal::Method));
    }
    let field = |name: &str, value: &str| Field { name: name.to_owned(), value: value.into() };
    let headers = vec![field("content-type", "application/json"), field("cache-control", "no-store")];
    Some(Ok((ResponseHead { status: 200, headers }, Bytes::from_static(body))))
}
