//! Traces: what a collector is told of a request by the edge and by the core, in the words of OTLP.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::post;
use breakwater_tests::postgres::Cluster;
use breakwater_tests::process::free_port;
use breakwater_tests::system::{System, Wiring};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::{Span, span::SpanKind};
use prost::Message as _;
use tokio::net::TcpListener;

/// Spans, each with the service that told of it.
type Told = Arc<Mutex<Vec<(String, Span)>>>;

/// Takes what is told, as `POST /v1/traces` with protobuf (OTLP specification, section OTLP/HTTP).
async fn collector() -> (String, Told) {
    let told = Told::default();
    let router = Router::new().route("/v1/traces", post(take)).with_state(told.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (url, told)
}

async fn take(State(told): State<Told>, headers: HeaderMap, body: Bytes) -> Bytes {
    assert_eq!(headers["content-type"], "application/x-protobuf");
    for resource in ExportTraceServiceRequest::decode(body).unwrap().resource_spans {
        let attributes = resource.resource.unwrap().attributes;
        let name = attributes.into_iter().find(|attribute| attribute.key == "service.name");
        let Some(Value::StringValue(service)) = name.unwrap().value.unwrap().value else { panic!("a name is text") };
        let spans = resource.scope_spans.into_iter().flat_map(|scope| scope.spans);
        told.lock().unwrap().extend(spans.map(|span| (service.clone(), span)));
    }
    Bytes::new()
}

/// The two spans of a trace, once both are there.
async fn trace(told: &Told, id: &str) -> (Span, Span) {
    let since = Instant::now();
    loop {
        let of = |service: &str| {
            let told = told.lock().unwrap();
            let mut spans = told.iter().filter(|(name, span)| name == service && hex(&span.trace_id) == id);
            let found = spans.next().map(|(_, span)| span.clone());
            assert!(spans.next().is_none(), "{service} tells twice of one request");
            found
        };
        if let (Some(edge), Some(core)) = (of("breakwater-edge"), of("breakwater-core")) {
            return (edge, core);
        }
        assert!(
            since.elapsed() < Duration::from_secs(30),
            "the collector is not told of {id}: {:?}",
            told.lock().unwrap()
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn attribute<'a>(span: &'a Span, key: &str) -> Option<&'a Value> {
    span.attributes.iter().find(|attribute| attribute.key == key)?.value.as_ref()?.value.as_ref()
}

fn text(text: &str) -> Value {
    Value::StringValue(text.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_sees_how_edge_and_core_answered_together() {
    let cluster = Cluster::start_new();
    let (collector, told) = collector().await;
    let core_port = free_port();
    let wiring = Wiring { settings: &[], core_port, edge_asks: core_port, redis: None, collector: Some(collector) };
    let mut system = System::start_wired(&cluster.url(), wiring).await;
    let id = "4bf92f3577b34da6a3ce929d0e0e4736";
    // The client did not ask for the trace to be told of; whether it is, is not for clients to say.
    let parent = format!("00-{id}-00f067aa0ba902b7-00");
    let asked = system.http.get(system.url("/api/openapi.json?secret=1")).header("traceparent", parent);
    let answer = asked.send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let request_id = answer.headers()["x-request-id"].to_str().unwrap().to_owned();
    let (edge, core) = trace(&told, id).await;
    assert_eq!(hex(&edge.parent_span_id), "00f067aa0ba902b7");
    assert_eq!(core.parent_span_id, edge.span_id, "the core's is below the edge's");
    assert_ne!(core.span_id, edge.span_id);
    for span in [&edge, &core] {
        assert_eq!(span.kind, SpanKind::Server as i32);
        assert!(span.start_time_unix_nano < span.end_time_unix_nano);
        assert_eq!(attribute(span, "http.response.status_code"), Some(&Value::IntValue(200)));
        assert_eq!(attribute(span, "http.request.method"), Some(&text("GET")));
        assert_eq!(attribute(span, "breakwater.request_id"), Some(&text(&request_id)));
        assert!(!format!("{span:?}").contains("secret"), "a query may hold what nobody should read");
    }
    assert_eq!(attribute(&core, "http.route"), Some(&text("/api/openapi.json")));

    // One that the client does not number. The last are told before the edge ends.
    assert_eq!(system.http.get(system.url("/nowhere")).send().await.unwrap().status(), 404);
    tokio::task::block_in_place(|| system.edge.terminate());
    let told = told.lock().unwrap();
    let refused = |span: &Span| attribute(span, "http.response.status_code") == Some(&Value::IntValue(404));
    let last: Vec<_> = told.iter().filter(|(_, span)| refused(span)).collect();
    let [(service, span)] = last.as_slice() else { panic!("{last:?}") };
    assert_eq!(service, "breakwater-edge");
    assert!(span.parent_span_id.is_empty());
}
