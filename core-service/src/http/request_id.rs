//! The request being answered: its id, which is in log lines, in problems and on every answer, and where it came from.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderName, HeaderValue, header};
use tracing::Instrument;
use uuid::Uuid;

use crate::edge::link::FORWARDED_FOR;

/// The header that carries it.
pub const HEADER: HeaderName = HeaderName::from_static("x-request-id");

tokio::task_local! {
    static CURRENT: Current;
}

/// What is remembered of the request. Header values are shared with it, not copied.
struct Current {
    id: String,
    address: Option<HeaderValue>,
    user_agent: Option<HeaderValue>,
}

/// Where a request came from. Handlers run only after the edge's signature over the address was verified.
#[derive(Debug, Clone, Default)]
pub struct Origin {
    /// The request's id.
    pub request_id: Option<String>,
    /// The client's address, as the edge saw it.
    pub address: Option<String>,
    /// The client, in its own words.
    pub user_agent: Option<String>,
}

/// Where the request that this task answers came from; empty outside of requests.
pub fn origin() -> Origin {
    let read = |current: &Current| Origin {
        request_id: Some(current.id.clone()),
        address: text(current.address.as_ref(), 64),
        user_agent: text(current.user_agent.as_ref(), 512),
    };
    CURRENT.try_with(read).unwrap_or_default()
}

/// A header as text, cut. It is ASCII, so that any place to cut is good.
fn text(value: Option<&HeaderValue>, longest: usize) -> Option<String> {
    let value = value?.to_str().ok()?;
    Some(value.get(..longest.min(value.len()))?.to_owned()).filter(|text| !text.is_empty())
}

/// The id of the request that this task answers.
pub fn current() -> Option<String> {
    CURRENT.try_with(|current| current.id.clone()).ok()
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
    let current = Current {
        id,
        address: request.headers().get(FORWARDED_FOR).cloned(),
        user_agent: request.headers().get(header::USER_AGENT).cloned(),
    };
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
    let mut response = CURRENT.scope(current, answer.instrument(span)).await;
    if let Ok(header) = header {
        response.headers_mut().insert(HEADER, header);
    }
    response
}
