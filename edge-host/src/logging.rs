//! Log lines, and the one line per request.
//!
//! What must never be in a line: header values, queries, bodies, keys. A request is told by its method, path, route,
//! status and request id; who called is told by the token's subject, never by the token.
//!
//! `RUST_LOG` filters, as everywhere; `RUST_LOG=info,access=off` leaves the lines per request out.

use std::io::IsTerminal as _;
use std::time::Instant;

use breakwater_pipeline::Exchange;
use tracing_subscriber::EnvFilter;

use crate::options::LogFormat;

/// Starts logging for the process.
pub fn start(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(std::io::stdout().is_terminal());
    match format {
        LogFormat::Text => lines.init(),
        LogFormat::Json => lines.json().flatten_event(true).with_current_span(false).init(),
    }
}

/// The line for a request, when its answer's head is there.
pub fn access(exchange: &Exchange, status: u16, since: Instant) {
    if let Some(fault) = exchange.fault() {
        tracing::error!(request_id = exchange.request_id(), route = exchange.route(), %fault, "a policy failed");
    }
    if !tracing::enabled!(target: "access", tracing::Level::INFO) {
        return;
    }
    tracing::info!(
        target: "access",
        method = exchange.method(),
        path = exchange.path(),
        route = exchange.route(),
        status,
        milliseconds = since.elapsed().as_secs_f64() * 1000.0,
        client = exchange.client_address(),
        cache = exchange.cache().map(|cache| cache.result),
        cache_reason = exchange.cache().and_then(|cache| cache.reason.as_deref()),
        subject = exchange.caller().map(|caller| caller.subject.as_str()),
        request_id = exchange.request_id(),
        traceparent = exchange.traceparent(),
    );
}
