//! Log lines, and the one line per request.
//!
//! What must never be in a line: header values, queries, bodies, keys. A request is told by its method, path, route,
//! status and request id; who called is told by the token's subject, never by the token.
//!
//! docs/observability.md tells what each field means. `RUST_LOG` filters, as everywhere; `RUST_LOG=info,access=off` leaves the lines per request out.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

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

/// A request whose answer is on its way: the line about it is written when the answer has gone, or is given up.
pub struct Record {
    exchange: Exchange,
    status: u16,
    since: Instant,
    /// How long upstreams took to the heads of their answers.
    waited: Option<Duration>,
    head: Duration,
    bytes: u64,
    ended: bool,
    /// How a tunnel ended, and the bytes that came from its client.
    tunnel: Option<(&'static str, u64)>,
}

impl Record {
    /// Whether anybody wants the line.
    pub fn wanted() -> bool {
        tracing::enabled!(target: "access", tracing::Level::INFO)
    }

    /// Begins when the answer's head is there.
    pub fn begin(exchange: Exchange, status: u16, since: Instant, waited: Option<Duration>) -> Self {
        Self { exchange, status, since, waited, head: since.elapsed(), bytes: 0, ended: false, tunnel: None }
    }

    /// What the line is about.
    pub fn exchange(&self) -> &Exchange {
        &self.exchange
    }

    /// So much of the body has gone.
    pub fn sent(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
    }

    /// It became a tunnel, which ended so, after so many bytes to the client and from it.
    pub fn tunnelled(&mut self, end: &'static str, sent: u64, received: u64) {
        self.bytes = sent;
        self.ended = true;
        self.tunnel = Some((end, received));
    }

    /// All of it has.
    pub fn ended(&mut self) {
        self.ended = true;
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        let milliseconds = |time: Duration| time.as_secs_f64() * 1000.0;
        let exchange = &self.exchange;
        tracing::info!(
            target: "access",
            method = exchange.method(),
            path = exchange.path(),
            route = exchange.route(),
            status = self.status,
            milliseconds = milliseconds(self.head),
            upstream_milliseconds = self.waited.map(milliseconds),
            total_milliseconds = milliseconds(self.since.elapsed()),
            bytes = self.bytes,
            bytes_received = self.tunnel.map(|(_, received)| received),
            tunnel = self.tunnel.map(|(end, _)| end),
            broken_off = (!self.ended).then_some(true),
            client = exchange.client_address(),
            refused_by = exchange.refused_by(),
            limit = exchange.exhausted().next(),
            cache = exchange.cache().map(|cache| cache.result),
            cache_reason = exchange.cache().and_then(|cache| cache.reason.as_deref()),
            subject = exchange.caller().map(|caller| caller.subject.as_str()),
            request_id = exchange.request_id(),
            trace_id = exchange.trace_id(),
        );
    }
}
