//! What edge and core tell an OpenTelemetry collector: one span for each request of a chosen trace, over OTLP/HTTP with
//! protobuf (OTLP 1.x). Batching, sending and trying again are the SDK's; when the collector does not keep up, spans are
//! dropped, and requests never wait.

mod client;
mod place;

use std::time::{Duration, Instant, SystemTime};

use anyhow::Context as _;
use opentelemetry::trace::{SpanContext, SpanKind, Status, TraceFlags, TraceState};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, SpanData, SpanEvents, SpanLinks, SpanProcessor as _,
};

pub use opentelemetry::{Key, Value};
pub use place::Place;

/// How long the last batch may take when the process ends.
const FAREWELL: Duration = Duration::from_secs(3);

/// Spans on their way to the collector.
#[derive(Debug)]
pub struct Spans {
    processor: BatchSpanProcessor,
    scope: InstrumentationScope,
}

/// A request that was answered.
#[derive(Debug)]
pub struct Answered {
    /// Where in its trace it stands.
    pub place: Place,
    /// What it was, such as `GET` and the route.
    pub name: String,
    /// When it came.
    pub since: Instant,
    /// How it was answered. The server is to blame for 500 and more.
    pub status: u16,
    /// More about it, named after OpenTelemetry's semantic conventions where they have a name. Names and numbers of ours;
    /// of what a client sent only the request id, whose form is checked.
    pub attributes: Vec<(Key, Value)>,
}

impl Spans {
    /// Begins to send to a collector at `endpoint`, such as `http://127.0.0.1:4318`, as the service of this name.
    pub fn start(endpoint: &str, service: &'static str, version: &'static str) -> anyhow::Result<Self> {
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(client::Client::new()?)
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
            .build()
            .with_context(|| format!("traces cannot be sent to {endpoint}"))?;
        let config = BatchConfigBuilder::default().with_scheduled_delay(Duration::from_secs(1)).build();
        let mut processor = BatchSpanProcessor::builder(exporter).with_batch_config(config).build();
        let resource = Resource::builder().with_service_name(service);
        processor.set_resource(&resource.with_attribute(KeyValue::new("service.version", version)).build());
        Ok(Self { processor, scope: InstrumentationScope::builder("breakwater").with_version(version).build() })
    }

    /// Tells of a request.
    pub fn answered(&self, answered: Answered) {
        let end_time = SystemTime::now();
        let took = answered.since.elapsed();
        let mut attributes: Vec<_> =
            answered.attributes.into_iter().map(|(key, value)| KeyValue::new(key, value)).collect();
        attributes.push(KeyValue::new("http.response.status_code", i64::from(answered.status)));
        let place = answered.place;
        self.processor.on_end(SpanData {
            span_context: SpanContext::new(place.trace, place.span, TraceFlags::SAMPLED, false, TraceState::NONE),
            parent_span_id: place.parent,
            parent_span_is_remote: true,
            span_kind: SpanKind::Server,
            name: answered.name.into(),
            start_time: end_time.checked_sub(took).unwrap_or(end_time),
            end_time,
            attributes,
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status: if answered.status >= 500 { Status::error("") } else { Status::Unset },
            instrumentation_scope: self.scope.clone(),
        });
    }

    /// Sends what is left. Blocks for some seconds at the most; nothing is told afterwards.
    pub fn stop(&self) {
        // The collector is away, then: what was not told is lost, and that was allowed.
        let _ = self.processor.shutdown_with_timeout(FAREWELL);
    }
}
