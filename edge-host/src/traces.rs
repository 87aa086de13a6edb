//! What a collector is told of the edge's requests.

use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;
use breakwater_pipeline::Exchange;
use breakwater_spans::{Answered, Key, Place, Spans, Value};

use crate::options::Options;

/// Which requests a collector is told of, and the way there.
#[derive(Debug, Clone)]
pub struct Traces {
    spans: Arc<Spans>,
    share: f64,
}

impl Traces {
    /// As the options say; none if no collector is named.
    pub fn start(options: &Options) -> Result<Option<Self>> {
        let Some(collector) = &options.traces else { return Ok(None) };
        let spans = Spans::start(&collector.to_string(), "breakwater-edge", env!("CARGO_PKG_VERSION"))?;
        Ok(Some(Self { spans: Arc::new(spans), share: options.traces_share }))
    }

    /// Whether a request is among the chosen. The client has no say: its trace id is not asked.
    pub fn chooses(&self, random: [u8; 4]) -> bool {
        f64::from(u32::from_le_bytes(random)) < self.share * 4_294_967_296.0
    }

    /// Tells of a request whose answer's head is there.
    pub fn answered(&self, exchange: &Exchange, status: u16, since: Instant) {
        let Some(place) = Place::of(exchange.traceparent(), exchange.parent_span()) else { return };
        let text = |name: &'static str, value: &str| (Key::new(name), Value::from(value.to_owned()));
        let route = exchange.route();
        let method = method(exchange.method());
        let mut attributes =
            vec![text("http.request.method", method), text("breakwater.request_id", exchange.request_id())];
        attributes.extend(route.map(|route| text("breakwater.route", route)));
        attributes.extend(exchange.refused_by().map(|by| text("breakwater.refused_by", by)));
        attributes.extend(exchange.cache().map(|cache| text("breakwater.cache", cache.result)));
        let name = route.map_or_else(|| method.to_owned(), |route| format!("{method} {route}"));
        self.spans.answered(Answered { place, name, since, status, attributes });
    }

    /// Tells the last, before the process ends.
    pub fn stop(&self) {
        self.spans.stop();
    }
}

/// Of a fixed set, as the semantic conventions want it: a client may say anything.
fn method(method: &str) -> &'static str {
    const KNOWN: [&str; 9] = ["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"];
    KNOWN.into_iter().find(|known| *known == method).unwrap_or("_OTHER")
}
