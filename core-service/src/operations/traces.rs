//! What a collector is told of the core's requests: those whose edge says so.

use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use breakwater_spans::{Answered, Key, Place, Spans, Value};
use http::HeaderMap;

use crate::app::AppState;
use crate::config::TelemetryConfig;
use crate::http::request_id;
use crate::vault;

/// Begins to tell; nothing if no collector is named.
pub fn start(config: &TelemetryConfig) -> anyhow::Result<Option<Spans>> {
    let start =
        |collector: &http::Uri| Spans::start(&collector.to_string(), "breakwater-core", env!("CARGO_PKG_VERSION"));
    config.traces.as_ref().map(start).transpose()
}

/// Layer: tells of the request once it is answered.
pub async fn layer(State(app): State<AppState>, request: Request, next: Next) -> Response {
    let Some((spans, place)) = app.spans.as_ref().zip(place(request.headers())) else {
        return next.run(request).await;
    };
    let since = Instant::now();
    let method = request.method().to_string();
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let response = next.run(request).await;
    let text = |name: &'static str, value: String| (Key::new(name), Value::from(value));
    let name = route.as_ref().map_or_else(|| method.clone(), |route| format!("{method} {route}"));
    let mut attributes = vec![text("http.request.method", method)];
    attributes.extend(route.map(|route| text("http.route", route)));
    attributes.extend(request_id::current().map(|id| text("breakwater.request_id", id)));
    spans.answered(Answered { place, name, since, status: response.status().as_u16(), attributes });
    response
}

fn place(headers: &HeaderMap) -> Option<Place> {
    let mut lines = headers.get_all("traceparent").iter();
    let (Some(line), None) = (lines.next(), lines.next()) else { return None };
    Place::below(line.to_str().ok()?, vault::random().ok()?)
}
