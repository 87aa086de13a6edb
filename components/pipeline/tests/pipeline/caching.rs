//! Stored responses.

use breakwater_kit::types::ResponseHead;

use crate::support::{Shell, fields, request};

const FRESH: &[(&str, &str)] = &[("cache-control", "public, max-age=60"), ("etag", "\"1\""), ("breakwater-tag", "x")];

#[test]
fn a_fresh_response_answers_without_the_upstream() {
    let mut shell = Shell::new();
    shell.answers(200, FRESH, "hello");
    assert_eq!(shell.get("/cached").body, "hello");
    shell.happened();
    shell.now += 10;
    let got = shell.get("/cached");
    assert_eq!((got.status, &got.body[..], got.header("age")), (200, &b"hello"[..], Some("10")));
    assert_eq!((got.header("content-length"), got.header("breakwater-tag")), (Some("5"), None));
    assert_eq!(shell.happened(), "route, plan-cache, => get, judge-stored");

    let got = shell.send(request("HEAD", "/cached", &[]));
    assert_eq!((got.header("content-length"), got.body.len()), (Some("5"), 0));
    let got = shell.send(request("GET", "/cached", &[("if-none-match", "\"1\"")]));
    assert_eq!((got.status, got.body.len(), got.header("etag")), (304, 0, Some("\"1\"")));
    assert_eq!(shell.forwarded.len(), 1);
}

#[test]
fn each_page_gets_its_own_cors_headers_from_one_stored_response() {
    let mut shell = Shell::new();
    shell.answers(200, FRESH, "hello");
    shell.send(request("GET", "/cached", &[("origin", "https://app.example")]));
    let got = shell.get("/cached");
    assert_eq!((got.header("access-control-allow-origin"), got.header("vary")), (None, Some("origin")));
    assert_eq!(shell.forwarded.len(), 1);
}

#[test]
fn a_stale_response_is_confirmed_and_fresh_again() {
    let mut shell = Shell::new();
    shell.answers(200, FRESH, "hello");
    shell.get("/cached");
    shell.now += 100;
    shell.answers(304, &[("etag", "\"1\""), ("cache-control", "public, max-age=60"), ("x-new", "1")], "");
    let got = shell.get("/cached");
    assert_eq!((got.status, &got.body[..], got.header("x-new")), (200, &b"hello"[..], Some("1")));
    let conditions: Vec<_> = breakwater_kit::headers::values(&shell.forwarded[1].headers, "if-none-match").collect();
    assert_eq!(conditions, [b"\"1\""]);
    shell.now += 10;
    assert_eq!(shell.get("/cached").body, "hello");
    assert_eq!(shell.forwarded.len(), 2, "it is fresh again");
}

#[test]
fn a_stale_response_that_changed_is_replaced() {
    let mut shell = Shell::new();
    shell.answers(200, FRESH, "hello");
    shell.get("/cached");
    shell.now += 100;
    shell.answers(200, &[("cache-control", "public, max-age=60"), ("etag", "\"2\"")], "changed");
    assert_eq!(shell.get("/cached").body, "changed");
    assert_eq!(shell.get("/cached").body, "changed");
    assert_eq!(shell.forwarded.len(), 2);
}

#[test]
fn a_confirmation_of_another_response_is_not_taken_for_ours() {
    let mut shell = Shell::new();
    shell.answers(200, FRESH, "hello");
    shell.get("/cached");
    shell.now += 100;
    // It confirms what nobody has: it is asked again without conditions.
    shell.upstream = Box::new(|forward| {
        let conditional = breakwater_kit::headers::has(&forward.headers, "if-none-match");
        let status = if conditional { 304 } else { 200 };
        Ok((ResponseHead { status, headers: fields(&[("etag", "\"9\"")]) }, "again".into()))
    });
    let got = shell.get("/cached");
    assert_eq!((got.status, &got.body[..]), (200, &b"again"[..]));
    assert_eq!(shell.forwarded.len(), 3);
    assert!(!shell.forwarded[2].with_body);

    // It confirms what the client has: that is the answer.
    shell.answers(200, FRESH, "hello");
    shell.get("/cached");
    shell.now += 100;
    shell.answers(304, &[("etag", "\"9\"")], "");
    let got = shell.send(request("GET", "/cached", &[("if-none-match", "\"9\"")]));
    assert_eq!((got.status, got.header("etag")), (304, Some("\"9\"")));
}

#[test]
fn responses_that_vary_are_found_under_their_own_keys() {
    let mut shell = Shell::new();
    shell.upstream = Box::new(|forward| {
        let language = breakwater_kit::headers::first(&forward.headers, "accept-language").unwrap_or("-").to_owned();
        let headers = fields(&[("cache-control", "public, max-age=60"), ("vary", "accept-language")]);
        Ok((ResponseHead { status: 200, headers }, language.into()))
    });
    for _ in 0..2 {
        for language in ["de", "en"] {
            assert_eq!(shell.send(request("GET", "/cached", &[("accept-language", language)])).body, language);
        }
    }
    assert_eq!(shell.forwarded.len(), 2);
}

#[test]
fn only_if_cached() {
    let mut shell = Shell::new();
    let only = || request("GET", "/cached", &[("cache-control", "only-if-cached")]);
    assert_eq!(shell.send(only()).slug(), "not-cached");
    shell.answers(200, FRESH, "hello");
    shell.get("/cached");
    assert_eq!(shell.send(only()).body, "hello");
    assert_eq!(shell.forwarded.len(), 1);
}

#[test]
fn what_is_spoilt_or_too_large_counts_as_nothing() {
    let mut shell = Shell::new();
    shell.answers(200, FRESH, "hello");
    shell.get("/cached");
    shell.spoil();
    assert_eq!(shell.get("/cached").body, "hello");
    assert_eq!(shell.forwarded.len(), 2);

    let mut shell = Shell::new();
    let large: &'static str = Box::leak("x".repeat(1001).into_boxed_str());
    shell.answers(200, FRESH, large);
    shell.get("/cached");
    shell.get("/cached");
    assert_eq!(shell.forwarded.len(), 2);
}

#[test]
fn an_answer_without_a_body_is_kept() {
    let mut shell = Shell::new();
    shell.answers(204, FRESH, "");
    for _ in 0..2 {
        let got = shell.get("/cached");
        assert_eq!((got.status, got.body.len(), got.header("content-length")), (204, 0, None));
    }
    assert_eq!(shell.forwarded.len(), 1);
}
