//! What a client gets.

use breakwater_pipeline::{Failure, OutsideAnswer, Seed, answer_outside};

use crate::support::{NOW, Shell, request};

#[test]
fn failures_of_the_upstream() {
    use Failure::{BadAnswer, BodyBroken, BodyTimeout, BodyTooLarge, Forbidden, Timeout, Unavailable};
    for (failure, status, slug, retry_after) in [
        (Unavailable, 503, "upstream-unavailable", Some("7")),
        (BadAnswer, 503, "upstream-unavailable", Some("7")),
        (Timeout, 504, "upstream-timeout", None),
        (BodyTooLarge, 413, "payload-too-large", None),
        (BodyTimeout, 408, "request-timeout", None),
        (BodyBroken, 400, "bad-request", None),
        (Forbidden, 500, "internal", None),
    ] {
        let mut shell = Shell::new();
        shell.upstream = Box::new(move |_| Err(failure));
        let got = shell.get("/plain");
        assert_eq!((got.status, got.slug().as_str(), got.header("retry-after")), (status, slug, retry_after));
        assert_eq!(got.header("cache-control"), Some("no-store"));
        assert!(got.fault.is_none());
    }
}

#[test]
fn what_is_internal_or_the_connections_stays_inside() {
    let mut shell = Shell::new();
    let lines = &[
        ("breakwater-core", "x"),
        ("connection", "x-hop"),
        ("x-hop", "1"),
        ("transfer-encoding", "chunked"),
        ("x-request-id", "the upstream's own"),
        ("x-end", "1"),
    ];
    shell.answers(200, lines, "x");
    let got = shell.send(request("GET", "/plain", &[("x-request-id", "client-chosen")]));
    for gone in ["breakwater-core", "connection", "x-hop", "transfer-encoding"] {
        assert_eq!(got.header(gone), None, "{gone}");
    }
    assert_eq!(got.header("x-request-id"), Some("client-chosen"));
    assert_eq!(got.header("x-end"), Some("1"));
}

#[test]
fn safety_headers() {
    let mut shell = Shell::new();
    let got = shell.get("/plain");
    assert_eq!(got.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(got.header("referrer-policy"), Some("no-referrer"));
    assert_eq!(got.header("strict-transport-security"), None);
    assert_eq!(got.header("content-security-policy"), None, "for pages only");

    let mut secure = request("GET", "/plain", &[]);
    secure.scheme = "https".to_owned();
    assert_eq!(shell.send(secure).header("strict-transport-security"), Some("max-age=31536000"));

    shell.answers(200, &[("content-type", "text/html; charset=utf-8")], "x");
    assert!(shell.get("/plain").header("content-security-policy").unwrap().contains("frame-ancestors 'none'"));
    shell.answers(200, &[("content-type", "text/html"), ("content-security-policy", "own")], "x");
    assert_eq!(shell.get("/plain").header("content-security-policy"), Some("own"));
}

#[test]
fn bodies_where_there_are_none() {
    let mut shell = Shell::new();
    let got = shell.send(request("HEAD", "/healthz", &[]));
    assert_eq!((got.header("content-length"), got.body.len()), (Some("18"), 0));
    // A refusal of a HEAD has the length that it would have, and no body.
    let got = shell.send(request("HEAD", "/private", &[]));
    assert_eq!((got.status, got.body.len()), (401, 0));
    assert!(got.header("content-length").unwrap().parse::<u32>().unwrap() > 50);
    shell.answers(304, &[("content-length", "5"), ("etag", "\"x\"")], "");
    let got = shell.get("/plain");
    assert_eq!((got.status, got.header("content-length"), got.header("etag")), (304, None, Some("\"x\"")));
}

#[test]
fn pages_of_other_origins() {
    let mut shell = Shell::new();
    let from = |origin| request("GET", "/plain", &[("origin", origin)]);
    let got = shell.send(from("https://app.example"));
    assert_eq!(got.header("access-control-allow-origin"), Some("https://app.example"));
    assert_eq!(got.header("access-control-allow-credentials"), None);
    assert!(got.header("access-control-expose-headers").unwrap().contains("etag"));
    for stranger in ["https://app.example.evil", "http://app.example", "null", "*"] {
        let got = shell.send(from(stranger));
        assert_eq!((got.status, got.header("access-control-allow-origin")), (200, None), "{stranger}");
        assert_eq!(got.header("vary"), Some("origin"));
    }
    // A refusal can be read as well.
    let got = shell.send(request("GET", "/private", &[("origin", "https://app.example")]));
    assert_eq!(got.header("access-control-allow-origin"), Some("https://app.example"));
    shell.answers(200, &[("vary", "accept, Origin"), ("access-control-allow-origin", "*")], "x");
    let got = shell.send(from("https://app.example"));
    assert_eq!(got.header("vary"), Some("accept, Origin"));
    assert_eq!(got.header("access-control-allow-origin"), Some("https://app.example"));
}

#[test]
fn preflights() {
    let mut shell = Shell::new();
    let preflight =
        |origin| request("OPTIONS", "/private", &[("origin", origin), ("access-control-request-method", "PUT")]);
    let got = shell.send(preflight("https://app.example"));
    assert_eq!((got.status, got.body.len()), (204, 0));
    assert_eq!(got.header("access-control-max-age"), Some("600"));
    assert!(got.header("access-control-allow-methods").unwrap().contains("PUT"));
    assert!(got.header("access-control-allow-headers").unwrap().contains("authorization"));
    let got = shell.send(preflight("https://evil.example"));
    assert_eq!((got.status, got.header("access-control-allow-methods")), (204, None));
    assert_eq!(shell.happened(), "route, route", "nobody is asked but for the route's own rule");
    // OPTIONS without those headers is a request like others.
    assert_eq!(shell.send(request("OPTIONS", "/plain", &[])).status, 405);
}

#[test]
fn what_no_exchange_came_of_is_answered_alike() {
    let outside = OutsideAnswer { https: true, seed: Seed([1; 34]), now_ms: NOW * 1000 };
    let (head, body) = answer_outside(breakwater_kit::problems::headers_too_large(), &outside);
    assert_eq!(head.status, 431);
    let has = |name: &str| head.headers.iter().any(|field| field.name == name);
    assert!(has("x-request-id") && has("strict-transport-security") && has("x-content-type-options"));
    assert!(String::from_utf8_lossy(&body).contains("urn:breakwater:problem:headers-too-large"));
}
