//! The id of the request being answered: in log lines, in problems, and on every answer.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderName, HeaderValue};
use tracing::Instrument;
use uuid::Uuid;

/// The header that carries it.
pub const HEADER: HeaderName = HeaderName::from_static("x-request-id");

tokio::task_local! {
    static CURRENT: String;
}

/// The id of the request that this task answers.
pub fn current() -> Option<String> {
    CURRENT.try_with(Clone::clone).ok()
}

/// Whether a client's id may be kept: `[A-Za-z0-9._-]{8,64}`.
fn acceptable(id: &str) -> bool {
    (8..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

/// Layer: keeps or makes the id, opens the request's span, logs the answer, and sends the id back.
pub async fn layer(request: Request, next: Next) -> Response {
    let id = request
        .headers()
        .get(HEADER)
        .and_then(|value| value.to_str().ok())
        .filter(|id| acceptable(id))
        .map_or_else(|| Uuid::now_v7().to_string(), str::to_owned);
    // The path only: a query may hold what should not be logged.
    let span = tracing::info_span!(
        "request",
        id = %id,
        method = %request.method(),
        path = %request.uri().path(),
    );
    // What machines ask every second, all day.
    let quiet = matches!(request.uri().path(), "/healthz" | "/readyz" | "/edge/v1/snapshot");
    let header = HeaderValue::from_str(&id);
    let started = std::time::Instant::now();
    let answer = async move {
        let response = next.run(request).await;
        let status = response.status().as_u16();
        let micros = started.elapsed().as_micros() as u64;
        if quiet {
            tracing::debug!(status, micros, "answered");
        } else {
            tracing::info!(status, micros, "answered");
        }
        response
    };
    let mut response = CURRENT.scope(id, answer.instrument(span)).await;
    if let Ok(header) = header {
        response.headers_mut().insert(HEADER, header);
    }
    response
}
