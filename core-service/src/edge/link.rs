//! Refuses every caller that is no edge.
//!
//! `breakwater-edge: v1 key=<id>,time=<unix seconds>,mac=<base64url>` where the MAC is HMAC-SHA256 over
//! `breakwater-edge-v1`, the time, the method, path and query, `x-forwarded-for` and `x-request-id`, joined by
//! newlines. A minute of clock difference is allowed. Health checks need no edge.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::Mac;
use http::{HeaderMap, HeaderName};

use super::keys::Key;
use crate::app::AppState;
use crate::http::request_id;
use crate::problem::{Problem, Result, kinds};
use crate::vault::keyed;

/// The header that an edge signs its requests in.
pub const HEADER: HeaderName = HeaderName::from_static("breakwater-edge");

/// The client's address, as the edge saw it.
pub const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// How far the clocks may be apart.
const MOST_SECONDS_APART: u64 = 60;

/// The edge that a request came from, in the request's extensions.
#[derive(Clone)]
pub(super) struct FromEdge {
    pub(super) key: Arc<Key>,
    pub(super) mac: String,
}

/// Layer: only edges get through, except to the health checks.
pub async fn layer(State(app): State<AppState>, mut request: Request, next: Next) -> Result<Response> {
    if !matches!(request.uri().path(), "/healthz" | "/readyz") {
        let edge = verify(&app, &request).ok_or_else(|| {
            Problem::new(&kinds::EDGE_REQUIRED).detail("This is a private service. Call the edge in front of it.")
        })?;
        request.extensions_mut().insert(edge);
    }
    Ok(next.run(request).await)
}

fn verify(app: &AppState, request: &Request) -> Option<FromEdge> {
    let headers = request.headers();
    let value = text(headers, &HEADER).strip_prefix("v1 ")?;
    let (mut id, mut time, mut mac) = (None, None, None);
    for field in value.split(',') {
        match field.trim().split_once('=')? {
            ("key", value) => id = Some(value),
            ("time", value) => time = Some(value),
            ("mac", value) => mac = Some(value),
            _ => {}
        }
    }
    let (id, time, mac) = (id?, time?, mac?);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs();
    if now.abs_diff(time.parse().ok()?) > MOST_SECONDS_APART {
        return None;
    }
    let key = app.edge.keys.find(id)?;
    let path = request.uri().path_and_query().map_or("/", |p| p.as_str());
    let mut expected = keyed(&key.secret);
    for part in ["breakwater-edge-v1", time, request.method().as_str(), path, text(headers, &FORWARDED_FOR)] {
        expected.update(part.as_bytes());
        expected.update(b"\n");
    }
    expected.update(text(headers, &request_id::HEADER).as_bytes());
    // Compares in constant time.
    expected.verify_slice(&URL_SAFE_NO_PAD.decode(mac).ok()?).ok()?;
    Some(FromEdge { key, mac: mac.to_owned() })
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}
