//! What edge and core say to each other, and what stops at the edge.

use reqwest::{Method, StatusCode};

use crate::fixture::edge::{Edge, echoed, header};

pub async fn the_core_is_told_who_asked(edge: Edge) {
    let answer = edge.get("/echo/a").await;
    let request_id = header(&answer, "x-request-id").unwrap().to_owned();
    let told = echoed(answer).await;
    let headers = &told["headers"];
    assert_eq!(headers["x-forwarded-for"], edge.client_address.to_string());
    assert_eq!(headers["x-forwarded-proto"], "http");
    assert_eq!(headers["x-forwarded-host"], edge.address.to_string());
    assert_eq!(headers["x-request-id"], request_id);
    assert_eq!(headers["host"], edge.core.address.to_string());
    // The fixture's core answers 403 to what is not signed; without the header this case would not come here.
    assert!(headers["breakwater-edge"].as_str().unwrap().starts_with("v1 key=test,time="));
}

pub async fn what_only_an_edge_may_say_is_removed(edge: Edge) {
    let told = echoed(
        edge.request(Method::GET, "/echo/a")
            .header("x-forwarded-for", "192.0.2.1")
            .header("x-forwarded-port", "1")
            .header("forwarded", "for=192.0.2.1")
            .header("breakwater-edge", "v1 key=test,time=1,mac=x")
            .header("breakwater-role", "admin")
            .header("spin-client-addr", "192.0.2.1:1")
            .header("spin-anything", "1")
            .header("te", "trailers")
            .header("proxy-authorization", "Basic eDp5")
            .header("x-mine", "kept")
            .send()
            .await
            .unwrap(),
    )
    .await;
    let headers = told["headers"].as_object().unwrap();
    assert_eq!(headers["x-mine"], "kept");
    assert_eq!(headers["x-forwarded-for"], edge.client_address.to_string());
    assert!(headers["breakwater-edge"].as_str().unwrap().len() > 60);
    for name in ["x-forwarded-port", "forwarded", "breakwater-role", "te", "proxy-authorization", "connection"] {
        assert!(!headers.contains_key(name), "{name}");
    }
    assert!(!headers.keys().any(|name| name.starts_with("spin-")), "{headers:?}");
}

pub async fn a_request_id_is_kept_or_made(edge: Edge) {
    let ask = |id: &'static str| edge.request(Method::GET, "/nowhere").header("x-request-id", id).send();
    assert_eq!(header(&ask("abc.DEF_123-4").await.unwrap(), "x-request-id"), Some("abc.DEF_123-4"));
    for bad in ["short", "with space in it", "sixty-five-characters-are-one-too-many-and-so-a-new-one-is-made-here"] {
        let answer = ask(bad).await.unwrap();
        let made = header(&answer, "x-request-id").unwrap();
        assert_eq!(uuid::Uuid::parse_str(made).unwrap().get_version_num(), 7, "{bad}: {made}");
    }
}

pub async fn a_trace_is_continued_or_begun(edge: Edge) {
    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let ask = |parent: &'static str| edge.request(Method::GET, "/echo/a").header("traceparent", parent).send();
    assert_eq!(echoed(ask(PARENT).await.unwrap()).await["headers"]["traceparent"], PARENT);
    let made = echoed(ask("nonsense").await.unwrap()).await["headers"]["traceparent"].clone();
    assert!(made.as_str().is_some_and(|made| made.len() == PARENT.len() && made != "nonsense"), "{made}");
}

pub async fn the_answer_is_cleaned_and_secured(edge: Edge) {
    let answer = edge.get("/echo/a").await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(header(&answer, "x-from-the-core"), Some("yes"));
    assert_eq!(header(&answer, "x-content-type-options"), Some("nosniff"));
    assert_eq!(header(&answer, "referrer-policy"), Some("no-referrer"));
    let internal = answer.headers().keys().any(|name| name.as_str().starts_with("breakwater-"));
    assert!(!internal, "{:?}", answer.headers());
}
