//! The listener of those who run the edge: `GET /metrics`, and nothing of what clients may ask.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};

use super::Metrics;
use crate::server::{Listener, accept};

/// Time for a request's head, and between requests.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the page is (OpenMetrics 1.0).
const OPEN_METRICS: HeaderValue =
    HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");

/// Answers for as long as the edge runs.
pub async fn serve(listener: Listener, metrics: Arc<Metrics>) {
    let listener = match listener.into_tokio() {
        Ok(listener) => listener,
        Err(error) => {
            tracing::error!(%error, "nobody can ask for metrics");
            return;
        }
    };
    loop {
        let (stream, _) = accept(&listener).await;
        let metrics = metrics.clone();
        let service = service_fn(move |request| {
            let answer = answer(&metrics, &request);
            async move { Ok::<_, Infallible>(answer) }
        });
        tokio::task::spawn_local(async move {
            // How a connection ends is its client's affair.
            let _ = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(PATIENCE)
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

fn answer(metrics: &Arc<Metrics>, request: &Request<Incoming>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    if request.uri().path() != "/metrics" {
        *response.status_mut() = StatusCode::NOT_FOUND;
    } else if !matches!(*request.method(), Method::GET | Method::HEAD) {
        *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
    } else if let Ok(page) = metrics.render() {
        response.headers_mut().insert(CONTENT_TYPE, OPEN_METRICS);
        *response.body_mut() = Full::from(page);
    } else {
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    }
    response
}
