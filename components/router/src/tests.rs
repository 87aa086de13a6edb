//! The policy as the gateway sees it.

#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};

use super::*;

fn route(id: &str, methods: &[&str], path: &str) -> Value {
    json!({
        "id": id, "methods": methods, "path": path, "target": {"upstream": "core"},
        "authentication": {"mode": "public"}
    })
}

fn configured(routes: &[Value]) -> Result<Router, String> {
    let mut router = Router::default();
    router.configure(json!({"routes": routes, "later": true}).to_string().as_bytes())?;
    Ok(router)
}

fn request(method: &str, path: &str, query: Option<&str>) -> RequestHead {
    RequestHead {
        method: method.into(),
        scheme: "https".into(),
        authority: "edge.example".into(),
        path: path.into(),
        query: query.map(Into::into),
        headers: Vec::new(),
        client_address: "192.0.2.1".into(),
    }
}

/// The id of the route, or the status and slug of the refusal.
fn ask(router: &Router, method: &str, path: &str) -> String {
    match router.route(&request(method, path, None)) {
        RouteDecision::Forward(route) => route.id,
        RouteDecision::Refuse(problem) => format!("{} {}", problem.status, problem.slug),
    }
}

fn api() -> Router {
    configured(&[
        route("list", &["GET", "POST"], "/api/v1/workspaces"),
        route("one", &["GET"], "/api/v1/workspaces/{workspace}"),
        route("change", &["PATCH", "DELETE"], "/api/v1/workspaces/{id}"),
        route("mine", &["GET"], "/api/v1/workspaces/mine"),
        route("members", &["GET"], "/api/v1/workspaces/{workspace}/members"),
        route("mine.plan", &["GET"], "/api/v1/workspaces/mine/plan"),
        route("login", &["POST"], "/api/v1/auth/login"),
        route("options", &["GET", "OPTIONS"], "/dav"),
        route("umlaut", &["GET"], "/%C3%A4"),
        route("files", &["GET"], "/{*rest}"),
    ])
    .unwrap()
}

#[test]
fn the_most_specific_route_wins() {
    let router = api();
    for (method, path, answer) in [
        ("GET", "/api/v1/workspaces", "list"),
        ("POST", "/api/v1/workspaces", "list"),
        ("GET", "/api/v1/workspaces/7", "one"),
        ("GET", "/api/v1/workspaces/mine", "mine"),
        ("GET", "/api/v1/workspaces/mine/plan", "mine.plan"),
        // `mine` has no such child, so the parameter takes it.
        ("GET", "/api/v1/workspaces/mine/members", "members"),
        ("DELETE", "/api/v1/workspaces/7", "change"),
        ("GET", "/", "files"),
        ("GET", "/a/b/c", "files"),
        // A slash at the end makes another path.
        ("GET", "/api/v1/workspaces/", "files"),
        // A parameter is never empty.
        ("GET", "/api/v1/workspaces//", "400 bad-request"),
    ] {
        assert_eq!(ask(&router, method, path), answer, "{method} {path}");
    }
}

#[test]
fn methods_count_after_the_path() {
    let router = api();
    for (method, path, answer) in [
        ("HEAD", "/api/v1/workspaces", "list"),
        ("OPTIONS", "/dav", "options"),
        // Not the files, although they would take a GET.
        ("GET", "/api/v1/auth/login", "405 method-not-allowed"),
        ("HEAD", "/api/v1/auth/login", "405 method-not-allowed"),
        ("DELETE", "/api/v1/workspaces/mine", "405 method-not-allowed"),
        ("get", "/", "405 method-not-allowed"),
        ("TRACE", "/", "405 method-not-allowed"),
    ] {
        assert_eq!(ask(&router, method, path), answer, "{method} {path}");
    }
    for (path, allow) in [
        ("/api/v1/auth/login", "POST"),
        ("/api/v1/workspaces", "GET, HEAD, POST"),
        ("/api/v1/workspaces/7", "DELETE, GET, HEAD, PATCH"),
        ("/dav", "GET, HEAD, OPTIONS"),
    ] {
        let RouteDecision::Refuse(problem) = router.route(&request("PUT", path, None)) else { panic!("{path}") };
        assert_eq!(problem.headers, [Field::new("allow", allow)], "{path}");
    }
}

#[test]
fn what_is_forwarded_is_what_was_matched() {
    let router = api();
    for (path, query, target) in [
        ("/api/v1/workspaces", None, "/api/v1/workspaces"),
        ("/api/v1/workspaces", Some(""), "/api/v1/workspaces?"),
        ("/api/v1/workspaces", Some("a=%2F&b=[1]"), "/api/v1/workspaces?a=%2F&b=[1]"),
        ("/api/v1/%77orkspaces/%7e%2a", None, "/api/v1/workspaces/~%2A"),
        ("/%c3%a4", None, "/%C3%A4"),
    ] {
        let RouteDecision::Forward(route) = router.route(&request("GET", path, query)) else { panic!("{path}") };
        assert_eq!(route.path_and_query, target);
    }
    assert_eq!(ask(&router, "GET", "/%c3%a4"), "umlaut");
    for query in ["a b", "a\r\nb", "a#b", "a\0", "ä"] {
        let decision = router.route(&request("GET", "/", Some(query)));
        assert!(matches!(decision, RouteDecision::Refuse(problem) if problem.status == 400), "{query:?}");
    }
}

#[test]
fn paths_that_could_be_read_in_two_ways_are_refused() {
    let router = api();
    for path in [
        "",
        "*",
        "api",
        "//",
        "//evil.example/",
        "/a//b",
        "/.",
        "/..",
        "/a/../b",
        "/a/..",
        "/%2e%2e/a",
        "/a/%2E/b",
        "/.%2e/a",
        "/a%2fb",
        "/a%2Fb",
        "/a\\b",
        "/a%5cb",
        "/a%00",
        "/a%0d%0aX: y",
        "/a%7f",
        "/a%",
        "/a%4",
        "/a%zz",
        "/a%+1",
        "/a b",
        "/a?b",
        "/a#b",
        "/\u{e4}",
        "/%ff",
        "/%c3",
        "/%c3/%a4",
        "/a\0",
        "/a\tb",
        "/{x}",
        "/a|b",
        "http://evil.example/",
    ] {
        assert_eq!(ask(&router, "GET", path), "400 bad-request", "{path:?}");
    }
    // Encoded twice, it is one segment with a percent sign in it, here and there.
    assert_eq!(ask(&router, "GET", "/%252e%252e/%252f"), "files");
    assert_eq!(ask(&router, "GET", &format!("/{}", "a".repeat(8 * 1024))), "414 uri-too-long");
    // Deeper than any pattern, and not a problem.
    assert_eq!(ask(&router, "GET", &"/a".repeat(4_000)), "files");
}

#[test]
fn without_a_configuration_nothing_is_forwarded() {
    assert_eq!(ask(&Router::default(), "GET", "/"), "503 not-ready");
    assert_eq!(ask(&configured(&[]).unwrap(), "GET", "/"), "404 not-found");
}

#[test]
fn conflicts_name_both_routes() {
    let twice = [route("a", &["GET"], "/x/{one}"), route("b", &["POST", "GET"], "/x/{two}")];
    let error = configured(&twice).err().unwrap();
    assert!(error.contains("\"a\"") && error.contains("\"b\"") && error.contains("GET"), "{error}");
    assert!(configured(&[route("a", &["GET", "GET"], "/")]).is_err());
    assert!(configured(&[route("a", &["GET"], "/{*x}"), route("b", &["GET"], "/{*y}")]).is_err());
}

#[test]
fn a_section_that_is_wrong_changes_nothing() {
    let mut router = api();
    let wrong = |change: fn(&mut Value)| {
        let mut value = route("r", &["GET"], "/r");
        change(&mut value);
        json!({"routes": [value]}).to_string()
    };
    for section in [
        "".into(),
        "{}".into(),
        "[]".into(),
        wrong(|r| r["id"] = json!("")),
        wrong(|r| r["id"] = json!(1)),
        wrong(|r| r["methods"] = json!([])),
        wrong(|r| r["methods"] = json!(["get"])),
        wrong(|r| r["methods"] = json!("GET")),
        wrong(|r| r["path"] = json!("r")),
        wrong(|r| r["target"] = json!({})),
        wrong(|r| r["target"] = json!({"upstream": ""})),
        wrong(|r| r["target"] = json!({"upstream": "core", "static_files": true})),
        wrong(|r| r["authentication"] = Value::Null),
        wrong(|r| r["authentication"] = json!({"mode": "maybe"})),
        wrong(|r| r["authentication"] = json!({"mode": "optional", "scopes": ["a"]})),
        wrong(|r| r["retries"] = json!(-1)),
        wrong(|r| r["timeouts"] = json!({"connect_ms": "1"})),
    ] {
        assert!(router.configure(section.as_bytes()).is_err(), "{section}");
    }
    assert_eq!(ask(&router, "GET", "/api/v1/workspaces"), "list");
}

#[test]
fn a_route_says_all_that_the_gateway_needs() {
    let router = configured(&[json!({
        "id": "documents.list", "methods": ["GET"], "path": "/d", "target": {"upstream": "core"},
        "authentication": {"mode": "required", "scopes": ["read"]}, "limits": ["address", "caller"], "cacheable": true,
        "timeouts": {"connect_ms": 1, "response_ms": 2, "idle_ms": 3, "overall_ms": 6}, "retries": 4, "upgrades": true,
        "max_body_bytes": 5
    })])
    .unwrap();
    let RouteDecision::Forward(full) = router.route(&request("GET", "/d", None)) else { panic!("refused") };
    assert_eq!(
        full,
        Route {
            id: "documents.list".into(),
            target: Target::Upstream("core".into()),
            path_and_query: "/d".into(),
            requirement: Requirement::Required(vec!["read".into()]),
            limits: vec!["address".into(), "caller".into()],
            cacheable: true,
            connect_timeout: 1,
            response_timeout: 2,
            idle_timeout: 3,
            overall_timeout: 6,
            retries: 4,
            upgrades: true,
            max_body: 5,
            extras: None,
        }
    );
    let files = json!({
        "id": "files", "methods": ["GET"], "path": "/{*rest}", "target": {"static_files": true},
        "authentication": {"mode": "optional"}
    });
    let router = configured(&[files]).unwrap();
    let RouteDecision::Forward(plain) = router.route(&request("GET", "/x", None)) else { panic!("refused") };
    assert_eq!((plain.target, plain.requirement), (Target::StaticFiles, Requirement::Optional));
    assert_eq!((plain.connect_timeout, plain.retries, plain.max_body, plain.cacheable), (1_000, 0, 1_048_576, false));
    assert_eq!((plain.overall_timeout, plain.upgrades), (0, false));
}

#[test]
fn ten_thousand_routes() {
    let routes: Vec<Value> =
        (0..10_000).map(|n| route(&format!("r{n}"), &["GET"], &format!("/s{}/{{x}}/t{n}", n % 100))).collect();
    let router = configured(&routes).unwrap();
    for n in [0, 1, 99, 5_000, 9_999] {
        assert_eq!(ask(&router, "GET", &format!("/s{}/any/t{n}", n % 100)), format!("r{n}"));
    }
    assert_eq!(ask(&router, "GET", "/s1/any/t2"), "404 not-found");
}

mod choice;
mod extras;
