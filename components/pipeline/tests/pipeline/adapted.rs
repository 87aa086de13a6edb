//! What a route changes in requests and answers, and where it sends them.

use breakwater_pipeline::{Snapshot, apply};
use serde_json::{Value, json};

use crate::support::{Shell, document, request};

/// A shell with one more route, `/it`, for everything that a route may say.
fn shell(more: Value) -> Shell {
    let mut document = document("2");
    document["upstreams"]["canary"] = json!({"origin": "https://canary.example"});
    let mut route = document["routing"]["routes"][0].clone();
    (route["id"], route["path"]) = (json!("it"), json!("/it"));
    for (name, value) in more.as_object().unwrap() {
        route[name] = value.clone();
    }
    document["routing"]["routes"].as_array_mut().unwrap().push(route);
    let mut shell = Shell::empty();
    let snapshot = Snapshot::parse(document.to_string().as_bytes()).unwrap();
    apply(&mut shell.policies, &snapshot, None).unwrap();
    shell.gateway = shell.gateway.with_settings(snapshot.settings);
    shell
}

fn sent(shell: &Shell, name: &str) -> Option<String> {
    let last = shell.forwarded.last().unwrap();
    last.headers.iter().find(|field| field.name == name).map(|field| String::from_utf8_lossy(&field.value).into())
}

#[test]
fn headers_are_changed_on_the_way_in_and_out() {
    let mut shell = shell(json!({
        "request": {"headers": [{"set": ["x-tenant", "a"]}, {"remove": "cookie"}]},
        "response": {"headers": [{"set": ["cache-control", "private"]}, {"remove": "server"}]},
        "notices": [["deprecation", "@1688169599"], ["sunset", "Sun, 30 Jun 2030 23:59:59 GMT"]]
    }));
    shell.answers(200, &[("server", "x"), ("cache-control", "public")], "hello");
    let got = shell.send(request("GET", "/it", &[("cookie", "a=1"), ("x-tenant", "forged")]));
    assert_eq!((sent(&shell, "x-tenant").as_deref(), sent(&shell, "cookie")), (Some("a"), None));
    assert_eq!((got.header("cache-control"), got.header("server")), (Some("private"), None));
    assert_eq!(got.header("deprecation"), Some("@1688169599"));
    // A refusal says what all answers say, and nothing that was meant for the upstream's.
    let got = shell.send(request("GET", "/it", &[("content-length", "1000")]));
    assert_eq!((got.status, got.header("cache-control")), (413, Some("no-store")));
    assert!(got.header("sunset").is_some());
}

#[test]
fn a_json_body_is_changed_on_its_way_to_the_upstream() {
    let mut shell = shell(json!({"request": {"body": [{"rename": ["/name", "title"]}]}}));
    shell.body = r#"{"name":"x"}"#.into();
    let mut send = |kind: &str, more: (&str, &str), method: &str| {
        let got = shell.send(request(method, "/it", &[("content-type", kind), more, ("content-length", "12")]));
        (got.status, shell.forwarded.pop().map(|forward| forward.body))
    };
    let (status, body) = send("application/json; charset=utf-8", ("content-digest", "x"), "POST");
    assert_eq!((status, body.unwrap().unwrap()), (200, r#"{"title":"x"}"#.into()));
    assert_eq!(send("text/plain", ("x", "y"), "POST"), (200, Some(None)), "other bodies are streamed as they are");
    assert_eq!(send("application/json", ("x", "y"), "GET"), (200, Some(None)));
    assert_eq!(send("application/json", ("content-encoding", "gzip"), "POST"), (415, None));
    shell.body = "{".into();
    let got = shell.send(request("PUT", "/it", &[("content-type", "application/json")]));
    assert_eq!((got.status, got.slug().as_str()), (400, "malformed-json"));
    shell.body = vec![b' '; 101].into();
    let got = shell.send(request("PUT", "/it", &[("content-type", "application/json")]));
    assert_eq!((got.status, got.slug().as_str()), (413, "payload-too-large"));
    shell.body = r#"{"name":1}"#.into();
    shell.send(request("PUT", "/it", &[("content-type", "application/json"), ("content-length", "10")]));
    let forward = shell.forwarded.last().unwrap();
    assert_eq!((sent(&shell, "content-length").as_deref(), forward.retries), (Some("11"), 2), "it can be sent again");
}

#[test]
fn a_json_answer_is_changed_and_says_so() {
    let mut shell = shell(json!({"response": {"body": [{"remove": "/secret"}]}}));
    let json = &[
        ("content-type", "application/json"),
        ("etag", "\"1\""),
        ("content-length", "99"),
        ("accept-ranges", "bytes"),
    ];
    shell.answers(200, json, r#"{"secret":1,"a":2}"#);
    let asks = &[("range", "bytes=0-1"), ("accept-encoding", "br"), ("if-match", "W/\"1\", \"2\"")];
    let got = shell.send(request("GET", "/it", asks));
    assert_eq!((&got.body[..], got.header("content-length")), (&br#"{"a":2}"#[..], Some("7")));
    assert_eq!((got.header("etag"), got.header("accept-ranges")), (Some("W/\"1\""), None));
    assert_eq!(sent(&shell, "accept-encoding").as_deref(), Some("identity"));
    assert_eq!((sent(&shell, "range"), sent(&shell, "if-match").as_deref()), (None, Some("\"1\", \"2\"")));
    let got = shell.send(request("HEAD", "/it", &[]));
    assert_eq!((got.header("content-length"), got.header("etag"), got.body.len()), (None, Some("W/\"1\""), 0));
    // What is no success or no JSON stays as it is.
    shell.answers(404, json, r#"{"secret":1}"#);
    assert_eq!(shell.get("/it").body, r#"{"secret":1}"#);
    shell.answers(200, &[("content-type", "text/plain"), ("etag", "\"1\"")], "secret");
    let got = shell.get("/it");
    assert_eq!((&got.body[..], got.header("etag")), (&b"secret"[..], Some("\"1\"")));
    // What should be changed and cannot is not let out.
    for (status, lines, body) in [
        (200, &[("content-type", "application/json")][..], "{"),
        (200, &[("content-type", "application/json"), ("content-encoding", "gzip")], "{}"),
        (206, &[("content-type", "application/json")], "{}"),
    ] {
        shell.answers(status, lines, body);
        let got = shell.get("/it");
        assert_eq!((got.status, got.slug().as_str()), (502, "bad-upstream-answer"), "{body}");
    }
    shell.answers(304, &[("etag", "\"1\"")], "");
    assert_eq!(shell.get("/it").header("etag"), Some("W/\"1\""));
}

#[test]
fn the_cache_keeps_what_the_upstream_said_and_clients_get_what_the_route_makes_of_it() {
    let mut shell = shell(json!({"cacheable": true, "response": {
        "body": [{"set": ["/a", 2]}], "headers": [{"set": ["x-made", "1"]}]
    }}));
    let lines = &[("content-type", "application/json"), ("cache-control", "public, max-age=60"), ("etag", "\"1\"")];
    shell.answers(200, lines, r#"{"a":1}"#);
    for _ in 0..2 {
        let got = shell.get("/it");
        assert_eq!(
            (&got.body[..], got.header("x-made"), got.header("etag")),
            (&br#"{"a":2}"#[..], Some("1"), Some("W/\"1\""))
        );
    }
    assert_eq!(shell.forwarded.len(), 1);
    let got = shell.send(request("GET", "/it", &[("if-none-match", "W/\"1\"")]));
    assert_eq!((got.status, got.header("etag"), got.body.len()), (304, Some("W/\"1\""), 0));
    shell.now += 100;
    shell.answers(304, lines, "");
    assert_eq!(shell.get("/it").body, r#"{"a":2}"#);
    assert_eq!(shell.forwarded.len(), 2);
}

#[test]
fn what_the_cache_does_not_keep_is_changed_all_the_same() {
    let mut shell = shell(json!({"cacheable": true, "response": {
        "body": [{"set": ["/a", 2]}], "headers": [{"set": ["x-made", "1"]}]
    }}));
    shell.answers(200, &[("content-type", "application/json"), ("cache-control", "no-store")], r#"{"a":1}"#);
    for _ in 0..2 {
        let got = shell.get("/it");
        assert_eq!((&got.body[..], got.header("x-made")), (&br#"{"a":2}"#[..], Some("1")));
    }
    assert_eq!(shell.forwarded.len(), 2);
}

#[test]
fn routes_that_a_header_chose_are_cached_apart() {
    let mut shell = shell(json!({"cacheable": true, "when": {"headers": {"x-beta": "1"}}}));
    shell.answers(200, &[("cache-control", "public, max-age=60")], "beta");
    let beta = || request("GET", "/it", &[("x-beta", "1")]);
    assert!(shell.send(beta()).header("vary").unwrap().contains("x-beta"));
    shell.send(beta());
    assert_eq!(shell.forwarded.len(), 1);
}

#[test]
fn a_redirect_is_answered_here() {
    let mut shell = shell(json!({"target": {"redirect": {"to": "/new", "status": 308, "keep_query": true}}}));
    let mut head = request("GET", "/it", &[]);
    head.query = Some("a=1".into());
    let got = shell.send(head);
    assert_eq!((got.status, got.header("location"), got.header("content-length")), (308, Some("/new?a=1"), Some("0")));
    assert!(shell.forwarded.is_empty());
}

#[test]
fn a_split_sends_some_to_the_canary_and_the_same_again() {
    let parts = json!([{"upstream": "core", "weight": 50}, {"upstream": "canary", "weight": 50}]);
    let mut shell = shell(json!({"target": {"split": {"upstreams": parts, "sticky": "address"}}}));
    let mut met = std::collections::BTreeSet::new();
    for address in 0..32 {
        let mut head = request("GET", "/it", &[]);
        head.client_address = format!("192.0.2.{address}");
        shell.send(head.clone());
        shell.send(head);
        let [.., first, second] = &shell.forwarded[..] else { panic!() };
        assert_eq!(first.upstream, second.upstream);
        met.insert(first.upstream.clone());
        let signed = first.headers.iter().any(|field| field.name == "breakwater-edge");
        assert_eq!(signed, first.upstream == "core", "only the core is told who we are");
    }
    assert_eq!(met.len(), 2);
}

#[test]
fn requests_are_mirrored_if_all_of_them_is_at_hand() {
    let mut shell = shell(json!({"mirror": {"upstream": "canary", "share": 10_000}, "max_body_bytes": 1_000_000}));
    shell.body = "hello".into();
    for (method, length, mirrored) in [
        ("GET", None, Some(None)),
        ("POST", Some("5"), Some(Some("hello".into()))),
        ("POST", Some("0"), Some(None)),
        ("POST", None, None),
        ("POST", Some("70000"), None),
    ] {
        let lines: Vec<_> = length.map(|length| ("content-length", length)).into_iter().collect();
        assert_eq!(shell.send(request(method, "/it", &lines)).status, 200);
        let forward = shell.forwarded.last().unwrap();
        assert_eq!(forward.mirror.as_ref().map(|copy| copy.body.clone()), mirrored, "{method} {length:?}");
        if let Some(copy) = &forward.mirror {
            assert_eq!((copy.upstream.as_str(), copy.path_and_query.as_str(), copy.retries), ("canary", "/it", 0));
            assert!(copy.headers.iter().any(|field| field.name == "breakwater-mirror"));
            assert!(!copy.headers.iter().any(|field| field.name == "breakwater-edge"));
        }
    }
}

#[test]
fn a_route_may_have_a_cors_rule_of_its_own() {
    let mut shell = shell(json!({"cors": {
        "allowed_origins": ["https://shop.example"], "methods": ["PUT"], "headers": ["x-a"], "exposed": ["x-b"],
        "credentials": true, "max_age_seconds": 5
    }}));
    let got = shell.send(request("GET", "/it", &[("origin", "https://shop.example")]));
    assert_eq!(got.header("access-control-allow-origin"), Some("https://shop.example"));
    assert_eq!(
        (got.header("access-control-expose-headers"), got.header("access-control-allow-credentials")),
        (Some("x-b"), Some("true"))
    );
    // What all routes allow, this one does not.
    let got = shell.send(request("GET", "/it", &[("origin", "https://app.example")]));
    assert_eq!((got.header("access-control-allow-origin"), got.header("vary")), (None, Some("origin")));
    let preflight = |origin| request("OPTIONS", "/it", &[("origin", origin), ("access-control-request-method", "PUT")]);
    let got = shell.send(preflight("https://shop.example"));
    assert_eq!((got.status, got.header("access-control-allow-methods")), (204, Some("PUT")));
    assert_eq!(
        (got.header("access-control-allow-headers"), got.header("access-control-max-age")),
        (Some("x-a"), Some("5"))
    );
    assert_eq!(shell.send(preflight("https://app.example")).header("access-control-allow-methods"), None);
    let mut everyone = self::shell(json!({"cors": {"allowed_origins": ["*"]}}));
    let got = everyone.send(request("GET", "/it", &[("origin", "https://any.example")]));
    assert_eq!((got.header("access-control-allow-origin"), got.header("vary")), (Some("*"), None));
}
