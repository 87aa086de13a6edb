//! The policy as the gateway sees it, section by section of RFC 9111.

#![allow(clippy::unwrap_used)]

mod properties;
mod reusing;
mod storing;
mod validating;

use std::time::{Duration, UNIX_EPOCH};

use super::*;

const NOW: u64 = 1_790_000_000;

fn cache() -> Cache {
    let mut cache = Cache::default();
    cache.configure(br#"{"generation": 1, "max_object_bytes": 1000, "later": true}"#).unwrap();
    cache
}

fn fields(lines: &[(&str, &str)]) -> Vec<Field> {
    lines.iter().map(|(name, value)| Field::new(*name, *value)).collect()
}

fn request(method: &str, lines: &[(&str, &str)]) -> RequestHead {
    RequestHead {
        method: method.into(),
        scheme: "https".into(),
        authority: "edge.example".into(),
        path: "/a".into(),
        query: Some("b=c".into()),
        headers: fields(lines),
        client_address: "192.0.2.1".into(),
    }
}

fn get(lines: &[(&str, &str)]) -> RequestHead {
    request("GET", lines)
}

fn response(status: u16, lines: &[(&str, &str)]) -> ResponseHead {
    ResponseHead { status, headers: fields(lines) }
}

fn date(at: u64) -> String {
    httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(at))
}

fn caller() -> Caller {
    Caller { issuer: "i".into(), subject: "s".into(), expires_at: NOW + 300, ..Caller::default() }
}

/// Keeps a response that came at once, or says why not.
fn keep(request: &RequestHead, response: &ResponseHead) -> Result<Kept, String> {
    match cache().keep(request, response, NOW, NOW) {
        CacheKeep::Keep(kept) => Ok(kept),
        CacheKeep::Pass(reason) => Err(reason),
    }
}

/// A response to a plain GET, as it is stored.
fn stored(lines: &[(&str, &str)]) -> Kept {
    keep(&get(&[("authorization", "Bearer x")]), &response(200, &[lines, &[("cache-control", "public")]].concat()))
        .unwrap()
}

/// What is done with it for this request, some seconds later.
fn judge(kept: &Kept, request: &RequestHead, later: u64) -> CacheUse {
    cache().judge(request, &kept.key, Some(&Stored::Response(kept.head.clone())), NOW + later)
}

/// In one word.
fn word(answer: &CacheUse) -> String {
    match answer {
        CacheUse::Fresh(head) => format!("fresh {}", head.status),
        CacheUse::WithoutBody(head) => format!("bodyless {}", head.status),
        CacheUse::Validate(headers) => {
            let line = |field: &Field| format!("{}: {}", field.name, String::from_utf8_lossy(&field.value));
            format!("validate {}", headers.iter().map(line).collect::<Vec<_>>().join(", "))
        }
        CacheUse::Other(_) => "other".into(),
        CacheUse::Miss => "miss".into(),
        CacheUse::Refuse(problem) => format!("refuse {}", problem.status),
    }
}

fn value(headers: &[Field], name: &str) -> Option<String> {
    headers.iter().find(|field| field.name == name).map(|field| String::from_utf8_lossy(&field.value).into_owned())
}

#[test]
fn which_requests_are_looked_up() {
    let cache = cache();
    let plan = |request: &RequestHead| match cache.plan(request, None) {
        CachePlan::LookUp(_) => "look-up".to_owned(),
        CachePlan::Bypass(reason) => reason,
    };
    for (method, lines, expected) in [
        ("GET", vec![], "look-up"),
        ("HEAD", vec![], "look-up"),
        ("GET", vec![("content-length", "0")], "look-up"),
        ("GET", vec![("authorization", "Bearer x")], "look-up"),
        ("GET", vec![("if-none-match", "\"a\"")], "look-up"),
        ("GET", vec![("cache-control", "no-cache")], "look-up"),
        ("POST", vec![], "method"),
        ("OPTIONS", vec![], "method"),
        ("get", vec![], "method"),
        ("GET", vec![("cache-control", "No-Store")], "request-no-store"),
        ("GET", vec![("range", "bytes=0-1")], "range"),
        ("GET", vec![("if-match", "\"a\"")], "precondition"),
        ("GET", vec![("if-unmodified-since", "x")], "precondition"),
        ("GET", vec![("if-range", "\"a\"")], "precondition"),
        ("GET", vec![("content-length", "3")], "body"),
        ("GET", vec![("transfer-encoding", "chunked")], "body"),
        ("GET", vec![("upgrade", "websocket")], "upgrade"),
    ] {
        assert_eq!(plan(&request(method, &lines)), expected, "{method} {lines:?}");
    }
    assert_eq!(cache.plan(&get(&[]), Some(&caller())), CachePlan::Bypass("caller".into()));
    let known = cache.plan(&get(&[("authorization", "Bearer x")]), Some(&caller()));
    assert!(matches!(known, CachePlan::LookUp(_)));
    assert_eq!(Cache::default().plan(&get(&[]), None), CachePlan::Bypass("not-configured".into()));
}

/// Section 2: the key, and what has another one.
#[test]
fn section_2_keys() {
    let key = |cache: &Cache, request: &RequestHead| match cache.plan(request, None) {
        CachePlan::LookUp(key) => key,
        CachePlan::Bypass(reason) => panic!("{reason}"),
    };
    let same = key(&cache(), &get(&[]));
    assert!(same.starts_with("cache:1:"));
    assert_eq!(key(&cache(), &request("HEAD", &[("accept", "x")])), same);
    assert_eq!(key(&cache(), &RequestHead { authority: "EDGE.example".into(), ..get(&[]) }), same);

    let mut next = Cache::default();
    next.configure(br#"{"generation": 2}"#).unwrap();
    let others = [
        key(&next, &get(&[])),
        key(&cache(), &RequestHead { scheme: "http".into(), ..get(&[]) }),
        key(&cache(), &RequestHead { authority: "other.example".into(), ..get(&[]) }),
        key(&cache(), &RequestHead { path: "/A".into(), ..get(&[]) }),
        key(&cache(), &RequestHead { query: None, ..get(&[]) }),
        key(&cache(), &RequestHead { query: Some(String::new()), ..get(&[]) }),
        key(&cache(), &RequestHead { path: "/ab=c".into(), query: None, ..get(&[]) }),
    ];
    for (index, other) in others.iter().enumerate() {
        assert_ne!(*other, same);
        assert!(!others[index + 1..].contains(other), "{index}");
    }
}

/// Section 4.1: one key for the names, one for each variant.
#[test]
fn section_4_1_vary() {
    let cache = cache();
    let plain = match cache.plan(&get(&[]), None) {
        CachePlan::LookUp(key) => key,
        CachePlan::Bypass(reason) => panic!("{reason}"),
    };
    let varying =
        response(200, &[("cache-control", "max-age=60"), ("vary", "Accept-Language, accept"), ("vary", "ACCEPT")]);
    let german = get(&[("accept-language", "de"), ("accept-language", " en ")]);
    let kept = keep(&german, &varying).unwrap();
    let (at, names) = kept.varies.clone().unwrap();
    assert_eq!(
        (at.as_str(), names.as_slice()),
        (plain.as_str(), ["accept".to_owned(), "accept-language".into()].as_slice())
    );
    assert_ne!(kept.key, plain);

    let other = |request: &RequestHead| match cache.judge(request, &plain, Some(&Stored::Varies(names.clone())), NOW) {
        CacheUse::Other(key) => key,
        answer => panic!("{answer:?}"),
    };
    assert_eq!(other(&german), kept.key);
    // Several lines are one list.
    assert_eq!(other(&get(&[("accept-language", "de,en"), ("x", "y")])), kept.key);
    for lines in [vec![], vec![("accept-language", "")], vec![("accept-language", "de")], vec![("accept", "de,en")]] {
        assert_ne!(other(&get(&lines)), kept.key, "{lines:?}");
    }
    assert_eq!(word(&judge(&kept, &german, 0)), "fresh 200");

    // A name leads once, and a response under a key that is not its own is none.
    assert_eq!(cache.judge(&german, &kept.key, Some(&Stored::Varies(names)), NOW), CacheUse::Miss);
    assert_eq!(cache.judge(&get(&[]), &kept.key, Some(&Stored::Response(kept.head.clone())), NOW), CacheUse::Miss);
    assert_eq!(cache.judge(&german, &plain, Some(&Stored::Response(kept.head)), NOW), CacheUse::Miss);

    let many: String = (0..17).map(|n| format!("x-{n},")).collect();
    for vary in ["*", "accept, *", &many, "\u{e4}"] {
        let passed = keep(&get(&[]), &response(200, &[("cache-control", "max-age=60"), ("vary", vary)]));
        assert_eq!(passed, Err("vary".into()), "{vary}");
    }
}

#[test]
fn a_section_that_is_wrong_changes_nothing() {
    let mut cache = cache();
    for section in ["", "1", "[]x", r#"{"generation": "1"}"#, r#"{"generation": -1}"#, r#"{"max_object_bytes": null}"#]
    {
        assert!(cache.configure(section.as_bytes()).is_err(), "{section}");
    }
    assert_eq!(cache.settings.unwrap().max_object_bytes, 1_000);
}

#[test]
fn without_a_configuration_nothing_is_kept() {
    let fresh = response(200, &[("cache-control", "max-age=60")]);
    let kept = keep(&get(&[]), &fresh).unwrap();
    let cache = Cache::default();
    assert_eq!(cache.keep(&get(&[]), &fresh, NOW, NOW), CacheKeep::Pass("not-configured".into()));
    assert_eq!(cache.judge(&get(&[]), &kept.key, Some(&Stored::Response(kept.head)), NOW), CacheUse::Miss);
}
