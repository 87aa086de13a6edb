//! What passes through the edge, and what it adds and takes away.

use crate::support::{Core, Edge, client, problem};

#[tokio::test(flavor = "multi_thread")]
async fn a_request_reaches_the_core_signed_and_cleaned() {
    let core = Core::start().await;
    let edge = Edge::start(&core).await;
    let response = client()
        .get(edge.url("/hello?q=1"))
        .header("authorization", "Bearer of-the-client")
        .header("x-request-id", "client-chosen-id")
        .header("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
        .header("x-forwarded-for", "1.2.3.4")
        .header("forwarded", "for=1.2.3.4")
        .header("breakwater-edge", "v1 key=k1,time=1,mac=forged")
        .header("spin-client-addr", "1.2.3.4")
        .header("connection", "x-hop")
        .header("x-hop", "1")
        .header("te", "trailers")
        .send()
        .await
        .unwrap();
    // The played core answers 403 unless the edge's signature verifies.
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["x-request-id"], "client-chosen-id");

    let seen = core.last();
    assert_eq!((seen.method.as_str(), seen.path_and_query.as_str()), ("GET", "/hello?q=1"));
    let header = |name: &str| {
        let all: Vec<_> = seen.headers.get_all(name).iter().map(|value| value.to_str().unwrap()).collect();
        all.join(" AND ")
    };
    assert_eq!(header("host"), core.address.to_string());
    assert_eq!(header("authorization"), "Bearer of-the-client");
    assert_eq!(header("x-request-id"), "client-chosen-id");
    assert_eq!(header("traceparent"), "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    assert_eq!(header("x-forwarded-for"), "127.0.0.1");
    assert_eq!(header("x-forwarded-proto"), "http");
    assert_eq!(header("x-forwarded-host"), format!("localhost:{}", edge.address.port()));
    for gone in ["forwarded", "spin-client-addr", "connection", "x-hop", "te"] {
        assert_eq!(header(gone), "", "{gone}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_loses_what_is_internal_and_gains_what_is_safe() {
    let core = Core::start().await;
    let edge = Edge::start(&core).await;
    let response = client().get(edge.url("/internal")).header("origin", "https://app.example").send().await.unwrap();
    let headers = response.headers();
    for gone in ["breakwater-core", "breakwater-anything", "x-hop", "keep-alive", "strict-transport-security"] {
        assert!(!headers.contains_key(gone), "{gone}");
    }
    assert_eq!(headers["x-end"], "1");
    assert_eq!(headers["x-content-type-options"], "nosniff");
    assert_eq!(headers["access-control-allow-origin"], "https://app.example");
    assert_eq!(headers["vary"], "origin");
    assert_eq!(headers["x-request-id"].len(), 36);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_edge_answers_for_itself() {
    let core = Core::start().await;
    let edge = Edge::start(&core).await;
    let health = client().get(edge.url("/healthz")).send().await.unwrap();
    assert_eq!((health.status().as_u16(), health.text().await.unwrap().as_str()), (200, r#"{"status":"alive"}"#));
    let head = client().head(edge.url("/readyz")).send().await.unwrap();
    assert_eq!((head.status().as_u16(), head.headers()["content-length"].to_str().unwrap()), (200, "18"));
    problem(client().post(edge.url("/readyz")).send().await.unwrap(), 405, "method-not-allowed").await;
    problem(client().get(edge.url("/private/x")).send().await.unwrap(), 401, "authentication-required").await;
    let refused = client().patch(edge.url("/hello")).send().await.unwrap();
    assert!(refused.headers()["allow"].to_str().unwrap().contains("GET"));
    problem(refused, 405, "method-not-allowed").await;
    assert_eq!(core.count(), 0, "none of these is the core's affair");
}

#[tokio::test(flavor = "multi_thread")]
async fn head_has_the_headers_of_get_and_no_body() {
    let core = Core::start().await;
    let edge = Edge::start(&core).await;
    let response = client().head(edge.url("/hello")).send().await.unwrap();
    assert_eq!(response.headers()["content-length"], "7");
    assert_eq!(response.bytes().await.unwrap().len(), 0);
    assert_eq!(core.last().method, "HEAD");
}

#[tokio::test(flavor = "multi_thread")]
async fn log_lines_tell_requests_and_no_secrets() {
    let core = Core::start().await;
    let edge = Edge::start(&core).await;
    let url = edge.url("/hello?token=in-the-query");
    client().get(url).header("authorization", "Bearer in-the-header").send().await.unwrap();
    crate::support::edge::eventually("the line is there", async || !edge.logged("\"/hello\"").is_empty()).await;
    let line: serde_json::Value = serde_json::from_str(&edge.logged("\"/hello\"")[0]).unwrap();
    assert_eq!((line["target"].as_str(), line["status"].as_u64()), (Some("access"), Some(200)));
    assert_eq!(line["route"], "any");
    for secret in ["in-the-query", "in-the-header", crate::support::KEY.split_once('.').unwrap().1] {
        assert!(edge.logged(secret).is_empty(), "{secret}");
    }
}
