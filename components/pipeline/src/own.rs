//! The edge's own answers: `/healthz` (it is alive) and `/readyz` (it can serve).

use breakwater_kit::problems;
use breakwater_kit::types::{Field, Problem, RequestHead, ResponseHead};
use bytes::Bytes;

/// The answer if the request is for the edge itself.
///
/// Readiness is the edge's own: an edge whose core is away still answers from what it has, and still says so with 503
/// problems, which is better than an edge that its load balancer takes away.
pub fn answer(request: &RequestHead, ready: bool) -> Option<Result<(ResponseHead, Bytes), Problem>> {
    let body: &'static [u8] = match request.path.as_str() {
        "/healthz" => br#"{"status":"alive"}"#,
        "/readyz" if ready => br#"{"status":"ready"}"#,
        "/readyz" => return Some(Err(problems::not_ready(1))),
        _ => return None,
    };
    if !matches!(request.method.as_str(), "GET" | "HEAD") {
        return Some(Err(problems::method_not_allowed("GET, HEAD")));
    }
    let headers = vec![Field::new("content-type", "application/json"), Field::new("cache-control", "no-store")];
    Some(Ok((ResponseHead { status: 200, headers }, Bytes::from_static(body))))
}
