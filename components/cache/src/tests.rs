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

pub fn fields(lines: &[(&str, &str)]) -> Vec<Field> {
    lines.iter().map(|(name, value)| Field::new(*name, *value)).collect()
}

pub fn request(method: &str, lines: &[(&str, &str)]) -> RequestHead {
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

pub fn get(lines: &[(&str, &str)]) -> RequestHead {
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

/// Sent at this time, when there were no purges.
fn at(at: u64) -> Sent {
    Sent { at, epoch: 0 }
}

/// Keeps a response that came at once, or says why not.
fn keep(request: &RequestHead, response: &ResponseHead) -> Result<Kept, String> {
    match cache().keep(request, None, response, at(NOW), NOW) {
        CacheKeep::Keep(kept) => Ok(kept),
        CacheKeep::Pass(passed) => Err(passed.reason),
    }
}

/// A response to a plain GET, as it is stored.
fn stored(lines: &[(&str, &str)]) -> Kept {
    keep(&get(&[("authorization", "Bearer x")]), &response(200, &[lines, &[("cache-control", "public")]].concat()))
        .unwrap()
}

/// What is done with it for this request, some seconds later. Its body has ten bytes.
fn judge(kept: &Kept, request: &RequestHead, later: u64) -> CacheUse {
    cache().judge(request, None, &kept.key, Some(&Stored::Response(kept.head.clone())), 10, NOW + later)
}

/// In one word.
fn word(answer: &CacheUse) -> String {
    let lines = |fields: &[Field]| {
        let line = |field: &Field| format!("{}: {}", field.name, String::from_utf8_lossy(&field.value));
        fields.iter().map(line).collect::<Vec<_>>().join(", ")
    };
    match answer {
        CacheUse::Hit(hit) if hit.part == BodyPart::None => format!("bodyless {}", hit.status),
        CacheUse::Hit(hit) if hit.ttl > 0 => format!("fresh {}", hit.status),
        CacheUse::Hit(hit) => format!("stale {}", hit.status),
        CacheUse::Renew(renewal) => format!("renew {}", lines(&renewal.conditions)).trim_end().to_owned(),
        CacheUse::Validate(question) => format!("validate {}", lines(&question.conditions)).trim_end().to_owned(),
        CacheUse::Other(_) => "other".into(),
        CacheUse::Miss => "miss".into(),
        CacheUse::Refuse(problem) => format!("refuse {}", problem.status),
    }
}

/// The headers that an answer out of this response has.
fn answered(kept: &Kept, hit: &Hit) -> Vec<Field> {
    let replaced = |name: &String| hit.drop.contains(name) || hit.set.iter().any(|field| field.name == *name);
    let stored = kept.head.headers.iter().filter(|field| !replaced(&field.name));
    stored.chain(&hit.set).cloned().collect()
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
        ("GET", vec![("range", "bytes=0-1")], "look-up"),
        ("GET", vec![("if-match", "\"a\"")], "precondition"),
        ("GET", vec![("if-unmodified-since", "x")], "precondition"),
        ("GET", vec![("if-range", "\"a\"")], "look-up"),
        ("GET", vec![("content-length", "3")], "body"),
        ("GET", vec![("transfer-encoding", "chunked")], "body"),
        ("GET", vec![("upgrade", "websocket")], "upgrade"),
    ] {
        assert_eq!(plan(&request(method, &lines)), expected, "{method} {lines:?}");
    }
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

    let other = |request: &RequestHead| match cache.judge(
        request,
        None,
        &plain,
        Some(&Stored::Varies(names.clone())),
        0,
        NOW,
    ) {
        CacheUse::Other(key) => key,
        answer => panic!("{answer:?}"),
    };
    assert_eq!(other(&german), kept.key);
    // Several lines are one list, whose order, case and blanks mean nothing.
    assert_eq!(other(&get(&[("accept-language", "de,en"), ("x", "y")])), kept.key);
    assert_eq!(other(&get(&[("accept-language", "EN , de")])), kept.key);
    for lines in [vec![], vec![("accept-language", "")], vec![("accept-language", "de")], vec![("accept", "de,en")]] {
        assert_ne!(other(&get(&lines)), kept.key, "{lines:?}");
    }
    assert_eq!(word(&judge(&kept, &german, 0)), "fresh 200");

    // A name leads once, and a response under a key that is not its own is none.
    assert_eq!(cache.judge(&german, None, &kept.key, Some(&Stored::Varies(names)), 0, NOW), CacheUse::Miss);
    assert_eq!(
        cache.judge(&get(&[]), None, &kept.key, Some(&Stored::Response(kept.head.clone())), 0, NOW),
        CacheUse::Miss
    );
    assert_eq!(cache.judge(&german, None, &plain, Some(&Stored::Response(kept.head)), 0, NOW), CacheUse::Miss);

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
    assert_eq!(cache.keep(&get(&[]), None, &fresh, at(NOW), NOW), pass("not-configured", 0));
    assert_eq!(cache.judge(&get(&[]), None, &kept.key, Some(&Stored::Response(kept.head)), 0, NOW), CacheUse::Miss);
}

/// No personal answer outlives the permissions behind it.
#[test]
fn personal_answers_are_for_their_caller_and_permissions_alone() {
    let under = |permissions: &str| {
        let mut cache = Cache::default();
        cache.configure(format!(r#"{{"generation": 1{permissions}}}"#).as_bytes()).unwrap();
        cache
    };
    let (first, second, unknown) = (under(r#", "permissions": "1""#), under(r#", "permissions": "2""#), under(""));
    let mine = get(&[("authorization", "Bearer x")]);
    let answer = response(200, &[("cache-control", "private, max-age=60"), ("breakwater-permissions", "1")]);
    let kept = |cache: &Cache, caller| cache.keep(&mine, caller, &answer, at(NOW), NOW);
    let me = caller();
    let CacheKeep::Keep(personal) = kept(&first, Some(&me)) else { panic!("passed") };
    for (cache, caller) in [(&second, Some(&me)), (&unknown, Some(&me)), (&first, None)] {
        assert_eq!(kept(cache, caller), pass("permissions", 0));
    }

    let (plain, names) = personal.varies.clone().unwrap();
    let leads =
        |cache: &Cache, caller| word(&cache.judge(&mine, caller, &plain, Some(&Stored::Varies(names.clone())), 0, NOW));
    let found = |cache: &Cache, caller| {
        let stored = Stored::Response(personal.head.clone());
        word(&cache.judge(&mine, caller, &personal.key, Some(&stored), 0, NOW))
    };
    let other = Caller { subject: "another".into(), ..caller() };
    assert_eq!((leads(&first, Some(&me)).as_str(), found(&first, Some(&me)).as_str()), ("other", "fresh 200"));
    assert_eq!(leads(&first, None), "miss");
    for (cache, caller) in [(&first, Some(&other)), (&first, None), (&second, Some(&me)), (&unknown, Some(&me))] {
        assert_eq!(found(cache, caller), "miss");
    }
}

#[test]
fn purges_make_responses_stale_or_gone() {
    let kept = stored(&[("cache-control", "max-age=60, stale-while-revalidate=60"), ("surrogate-key", "news")]);
    for (purge, expected) in [
        (r#"{"number": 1, "tag": "news"}"#, "miss"),
        (r#"{"number": 1, "tag": "news", "soft": true}"#, "renew"),
        (r#"{"number": 1, "tag": "olds"}"#, "fresh 200"),
    ] {
        let mut cache = Cache::default();
        cache.configure(format!(r#"{{"generation": 1, "purges": [{purge}]}}"#).as_bytes()).unwrap();
        let stored = |epoch| Stored::Response(StoredHead { epoch, ..kept.head.clone() });
        let used = |epoch| word(&cache.judge(&get(&[]), None, &kept.key, Some(&stored(epoch)), 10, NOW));
        assert_eq!((used(0).as_str(), used(1).as_str()), (expected, "fresh 200"), "{purge}");
    }
    assert!(cache().configure(br#"{"purges": [{"number": 1}]}"#).is_err());
}
