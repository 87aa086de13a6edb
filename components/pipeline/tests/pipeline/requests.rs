//! What an upstream gets.

use breakwater_kit::headers;
use breakwater_kit::types::Field;
use breakwater_pipeline::Forward;

use crate::support::{NOW, Shell, request};

fn header<'a>(forward: &'a Forward, name: &'a str) -> Option<&'a str> {
    let mut all = headers::values(&forward.headers, name);
    let first = all.next()?;
    assert!(all.next().is_none(), "{name} twice");
    std::str::from_utf8(first).ok()
}

#[test]
fn the_core_gets_what_the_edge_vouches_for() {
    let mut shell = Shell::new();
    let mut head = request(
        "POST",
        "/plain",
        &[
            ("host", "app.example"),
            ("authorization", "Bearer x"),
            ("content-length", "100"),
            ("expect", "100-continue"),
            ("connection", "x-hop, close"),
            ("x-hop", "1"),
            ("x-forwarded-for", "10.0.0.1"),
            ("breakwater-edge", "forged"),
            ("traceparent", "not valid"),
            ("tracestate", "a=b"),
            ("x-request-id", "bad id"),
        ],
    );
    head.query = Some("a=b".to_owned());
    assert_eq!(shell.send(head).status, 200);
    let forward = &shell.forwarded[0];
    assert_eq!((forward.method.as_str(), forward.path_and_query.as_str()), ("POST", "/plain?a=b"));
    assert_eq!((forward.connect_timeout, forward.response_timeout, forward.idle_timeout), (1, 2, 3));
    assert_eq!((forward.retries, forward.max_body, forward.with_body), (0, 100, true));
    assert_eq!(header(forward, "authorization"), Some("Bearer x"));
    assert_eq!(header(forward, "content-length"), Some("100"));
    assert_eq!(header(forward, "x-forwarded-for"), Some("192.0.2.7"));
    assert_eq!(header(forward, "x-forwarded-host"), Some("app.example"));
    assert_eq!(header(forward, "x-forwarded-proto"), Some("http"));
    assert_eq!(header(forward, "x-request-id").map(str::len), Some(36));
    assert!(header(forward, "traceparent").is_some_and(|value| value.starts_with("00-")));
    let signature = header(forward, "breakwater-edge").unwrap();
    assert!(signature.starts_with(&format!("v1 key=k1,time={NOW},mac=")), "{signature}");
    for gone in ["host", "expect", "connection", "x-hop", "tracestate"] {
        assert_eq!(header(forward, gone), None, "{gone}");
    }
}

#[test]
fn other_upstreams_are_not_told_who_we_are() {
    let mut shell = Shell::new();
    shell.get("/other");
    assert_eq!(shell.forwarded[0].to.endpoints[0].origin, "https://other.example");
    assert_eq!(header(&shell.forwarded[0], "breakwater-edge"), None);
}

#[test]
fn only_idempotent_requests_are_sent_again() {
    let mut shell = Shell::new();
    for (method, retries) in [("GET", 2), ("HEAD", 2), ("PUT", 2), ("POST", 0)] {
        shell.send(request(method, "/plain", &[]));
        assert_eq!(shell.forwarded.last().map(|forward| forward.retries), Some(retries), "{method}");
    }
}

#[test]
fn a_body_that_says_it_is_too_long_goes_nowhere() {
    for (length, status, slug) in
        [("101", 413, "payload-too-large"), ("x", 400, "bad-request"), ("-1", 400, "bad-request")]
    {
        let mut shell = Shell::new();
        let got = shell.send(request("POST", "/plain", &[("content-length", length)]));
        assert_eq!((got.status, got.slug().as_str()), (status, slug));
        assert!(shell.forwarded.is_empty());
    }
}

#[test]
fn policies_see_no_more_than_they_should() {
    // A router that matched on what the client claims would be a hole; it is gone before.
    let mut shell = Shell::new();
    shell.answers(200, &[("cache-control", "public, max-age=60"), ("vary", "x-forwarded-for")], "x");
    let claimed = |address| request("GET", "/cached", &[("x-forwarded-for", address)]);
    shell.send(claimed("10.0.0.1"));
    shell.send(claimed("10.0.0.2"));
    assert_eq!(shell.forwarded.len(), 1, "both are the same request to the cache");
    assert!(!shell.forwarded[0].headers.contains(&Field::new("x-forwarded-for", "10.0.0.1")));
}
