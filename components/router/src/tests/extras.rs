//! What a route says besides where it leads.

use super::*;

fn routed(more: Value, path: &str, query: Option<&str>) -> Route {
    try_routed(more, path, query).unwrap()
}

fn try_routed(more: Value, path: &str, query: Option<&str>) -> Result<Route, String> {
    let mut value = route("r", &["GET"], "/a/{id}/{*rest}");
    for (name, given) in more.as_object().unwrap() {
        value[name] = given.clone();
    }
    match configured(&[value])?.route(&request("GET", path, query)) {
        RouteDecision::Forward(route) => Ok(route),
        RouteDecision::Refuse(problem) => Err(problem.detail),
    }
}

#[test]
fn paths_and_queries_are_rewritten() {
    let more = json!({
        "rewrite": "/v2/{rest}/{id}",
        "query": {"set": {"tenant": "t 1"}, "add": {"x": "y"}, "remove": ["secret"]}
    });
    assert!(try_routed(more, "/a/7/b", None).unwrap_err().contains("end"));
    let more = json!({
        "rewrite": "/v2/{id}/{rest}",
        "query": {"set": {"tenant": "t 1"}, "add": {"x": "y"}, "remove": ["secret"]}
    });
    let route = routed(more, "/a/%37/b/c", Some("secret=1&tenant=2&z=%2f"));
    assert_eq!(route.path_and_query, "/v2/7/b/c?z=%2f&tenant=t%201&x=y");
}

#[test]
fn redirects_say_where_to() {
    for (to, keep_query, location) in [
        ("/new/{id}", true, "/new/7?q=1"),
        ("/new?x=1", true, "/new?x=1&q=1"),
        ("https://{host}/{rest}", false, "https://edge.example/b"),
        ("https://other.example", true, "https://other.example/?q=1"),
    ] {
        let more = json!({"target": {"redirect": {"to": to, "status": 308, "keep_query": keep_query}}});
        let Target::Answer(head) = routed(more, "/a/7/b", Some("q=1")).target else { panic!("{to}") };
        assert_eq!((head.status, head.headers), (308, vec![Field::new("location", location)]), "{to}");
    }
    for to in
        ["", "x", "//evil.example", "https://", "https://{id}.example/", "https://u@h/", "/a#b", "/?a b", "ftp://a/"]
    {
        let more = json!({"target": {"redirect": {"to": to, "status": 308, "keep_query": true}}});
        assert!(try_routed(more, "/a/7/b", None).is_err(), "{to}");
    }
    let more = json!({"target": {"redirect": {"to": "/", "status": 200, "keep_query": true}}});
    assert!(try_routed(more, "/a/7/b", None).is_err());
}

#[test]
fn maintenance_closes_a_route_or_everything_but_some() {
    let closed = json!({"retry_after_seconds": 60, "detail": "Back soon."});
    let mut open = route("open", &["GET"], "/open");
    open["maintenance"] = json!(false);
    let mut shut = route("shut", &["GET"], "/shut");
    shut["maintenance"] = closed.clone();
    let routes = json!([open, shut, route("plain", &["GET"], "/plain")]);
    let mut router = Router::default();
    router.configure(json!({"routes": routes}).to_string().as_bytes()).unwrap();
    let ids = |router: &Router| ["/open", "/shut", "/plain", "/none"].map(|path| ask(router, "GET", path));
    assert_eq!(ids(&router), ["open", "503 maintenance", "plain", "404 not-found"]);
    router.configure(json!({"routes": routes, "maintenance": closed}).to_string().as_bytes()).unwrap();
    assert_eq!(ids(&router), ["open", "503 maintenance", "503 maintenance", "503 maintenance"]);
    let RouteDecision::Refuse(problem) = router.route(&request("GET", "/plain", None)) else { panic!() };
    assert_eq!((problem.detail.as_str(), &problem.headers[0]), ("Back soon.", &Field::new("retry-after", "60")));
}

#[test]
fn everything_else_is_handed_on() {
    let more = json!({
        "target": {"split": {"upstreams": [{"upstream": "a", "weight": 9}, {"upstream": "b", "weight": 1}], "sticky": {"cookie": "c"}}},
        "request": {"headers": [{"set": ["x-a", "1"]}, {"remove": "x-b"}], "body": [{"rename": ["/a", "b"]}]},
        "response": {"headers": [{"add": ["x-c", "2"]}], "body": [{"map": ["/s", [["x", 1]]]}, {"add": ["/y", {"z": null}]}]},
        "notices": [["sunset", "Sun, 30 Jun 2030 23:59:59 GMT"]],
        "cors": {"allowed_origins": ["https://a.example"], "credentials": true, "max_age_seconds": 5},
        "mirror": {"upstream": "m", "share": 100}
    });
    let route = routed(more, "/a/7/", None);
    let upstream = |name: &str, weight| Weighted { upstream: name.into(), weight };
    let split = Split { upstreams: vec![upstream("a", 9), upstream("b", 1)], sticky: Sticky::Cookie("c".into()) };
    assert_eq!(route.target, Target::Split(split));
    let extras = Extras {
        request_headers: vec![HeaderEdit::Set(Field::new("x-a", "1")), HeaderEdit::Remove("x-b".into())],
        request_body: vec![BodyEdit::Rename(("/a".into(), "b".into()))],
        response_headers: vec![HeaderEdit::Add(Field::new("x-c", "2"))],
        response_body: vec![
            BodyEdit::Translate(("/s".into(), vec![("\"x\"".into(), "1".into())])),
            BodyEdit::Add(("/y".into(), "{\"z\":null}".into())),
        ],
        notices: vec![Field::new("sunset", "Sun, 30 Jun 2030 23:59:59 GMT")],
        varies: Vec::new(),
        cors: Some(CorsRule {
            origins: vec!["https://a.example".into()],
            methods: Vec::new(),
            headers: Vec::new(),
            exposed: Vec::new(),
            credentials: true,
            max_age: 5,
        }),
        mirror: Some(Mirror { upstream: "m".into(), share: 100 }),
    };
    assert_eq!(route.extras, Some(extras));
}

#[test]
fn what_a_route_may_not_change_is_refused() {
    for more in [
        json!({"request": {"headers": [{"set": ["Host", "x"]}]}}),
        json!({"request": {"headers": [{"set": ["host", "x"]}]}}),
        json!({"request": {"headers": [{"remove": "breakwater-edge"}]}}),
        json!({"request": {"headers": [{"add": ["x-forwarded-for", "1.2.3.4"]}]}}),
        json!({"response": {"headers": [{"set": ["content-length", "1"]}]}}),
        json!({"response": {"headers": [{"set": ["x", "a\r\nb"]}]}}),
        json!({"response": {"headers": [{"set": ["x y", "a"]}]}}),
        json!({"response": {"body": [{"remove": "a"}]}}),
        json!({"response": {"body": [{"remove": "/a~2"}]}}),
        json!({"response": {"body": [{"remove": ""}]}}),
        json!({"cors": {"allowed_origins": ["*"], "credentials": true}}),
        json!({"mirror": {"upstream": "m", "share": 0}}),
        json!({"target": {"split": {"upstreams": []}}}),
        json!({"target": {"split": {"upstreams": [{"upstream": "a", "weight": 0}]}}}),
        json!({"rewrite": "/{other}"}),
        json!({"hosts": ["a:80"]}),
        json!({"when": {"headers": {"X-A": "1"}}}),
        json!({"when": {"scheme": "ftp"}}),
    ] {
        assert!(try_routed(more.clone(), "/a/7/", None).is_err(), "{more}");
    }
}
