//! Hosts, conditions and versions: which of several routes answers.

use proptest::prelude::*;

use super::*;

fn with(mut route: Value, more: Value) -> Value {
    for (name, value) in more.as_object().unwrap() {
        route[name] = value.clone();
    }
    route
}

fn get(id: &str, path: &str, more: Value) -> Value {
    with(route(id, &["GET"], path), more)
}

fn asked(path: &str, headers: &[(&str, &str)]) -> RequestHead {
    let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
    let mut request = request("GET", path, query);
    request.headers = headers.iter().map(|(name, value)| Field::new(*name, *value)).collect();
    request
}

fn decided(router: &Router, request: &RequestHead) -> String {
    match router.route(request) {
        RouteDecision::Forward(route) => route.id,
        RouteDecision::Refuse(problem) => format!("{} {}", problem.status, problem.slug),
    }
}

fn versioned(routes: &[Value]) -> Result<Router, String> {
    let mut router = Router::default();
    let versioning = json!({"header": "api-version", "default": "2", "known": ["1", "2", "3"]});
    router.configure(json!({"routes": routes, "versioning": versioning}).to_string().as_bytes())?;
    Ok(router)
}

#[test]
fn hosts_come_before_paths() {
    let router = configured(&[
        get("any", "/a/b", json!({})),
        get("any.rest", "/{*rest}", json!({})),
        get("below", "/a/{x}", json!({"hosts": ["*.example"]})),
        get("named", "/{*rest}", json!({"hosts": ["shop.example", "www.example"]})),
    ])
    .unwrap();
    for (authority, path, id) in [
        ("shop.example", "/a/b", "named"),
        ("WWW.example:8443", "/a/b", "named"),
        ("x.y.example", "/a/b", "below"),
        ("x.example", "/c", "any.rest"),
        ("example", "/a/b", "any"),
        ("other", "/a/b", "any"),
    ] {
        let request = RequestHead { authority: authority.into(), ..asked(path, &[]) };
        assert_eq!(decided(&router, &request), id, "{authority}{path}");
    }
}

#[test]
fn more_conditions_win_and_a_route_whose_conditions_fail_is_not_there() {
    let router = configured(&[
        get("plain", "/x", json!({})),
        get("beta", "/x", json!({"when": {"headers": {"x-beta": "1"}}})),
        get("any-beta", "/x", json!({"when": {"headers": {"x-beta": true}}})),
        get("both", "/x", json!({"when": {"headers": {"x-beta": "1"}, "query": {"q": "a b"}}})),
        get("cookie", "/only", json!({"when": {"cookies": {"group": "canary"}}})),
        get("absent", "/without", json!({"when": {"query": {"q": false}, "scheme": "https"}})),
        get("rest", "/{*rest}", json!({})),
    ])
    .unwrap();
    for (path, headers, id) in [
        ("/x", &[][..], "plain"),
        ("/x", &[("x-beta", "1")], "beta"),
        ("/x", &[("x-beta", "2")], "any-beta"),
        ("/x", &[("x-beta", "2"), ("x-beta", "1")], "any-beta"),
        ("/x?q=a+b", &[("x-beta", "1")], "both"),
        ("/x?q=ab", &[("x-beta", "1")], "beta"),
        ("/only", &[("cookie", "a=1; group=canary")], "cookie"),
        ("/only", &[("cookie", "group=canaries")], "rest"),
        ("/without", &[], "absent"),
        ("/without?q", &[], "rest"),
    ] {
        assert_eq!(decided(&router, &asked(path, headers)), id, "{path} {headers:?}");
    }
    let plain_http = RequestHead { scheme: "http".into(), ..asked("/without", &[]) };
    assert_eq!(decided(&router, &plain_http), "rest");
}

#[test]
fn answers_say_which_headers_the_choice_depended_on() {
    let router = versioned(&[
        get("plain", "/x", json!({})),
        get("beta", "/x", json!({"when": {"headers": {"x-beta": true}, "query": {"a": "1"}}})),
        get("cookie", "/y", json!({"when": {"cookies": {"c": true}}})),
        get("one", "/v", json!({"version": "1"})),
        get("two", "/v", json!({"version": "2"})),
        get("rest", "/{*rest}", json!({})),
    ])
    .unwrap();
    for (path, varies) in [("/x", &["x-beta"][..]), ("/y", &["cookie"]), ("/v", &["api-version"]), ("/z", &[])] {
        let RouteDecision::Forward(route) = router.route(&asked(path, &[])) else { panic!("{path}") };
        assert_eq!(route.extras.map(|extras| extras.varies).unwrap_or_default(), varies, "{path}");
    }
}

#[test]
fn methods_of_routes_that_are_not_there_do_not_count() {
    let router = configured(&[
        with(route("put", &["PUT"], "/x"), json!({"when": {"headers": {"x-beta": true}}})),
        with(route("post", &["POST"], "/x"), json!({})),
        route("rest", &["GET"], "/{*rest}"),
    ])
    .unwrap();
    let allow = |headers: &[(&str, &str)]| match router.route(&asked("/x", headers)) {
        RouteDecision::Refuse(problem) => String::from_utf8(problem.headers[0].value.clone()).unwrap(),
        RouteDecision::Forward(route) => panic!("{}", route.id),
    };
    assert_eq!((allow(&[]), allow(&[("x-beta", "")])), ("POST".into(), "POST, PUT".into()));
}

#[test]
fn versions_are_negotiated() {
    let router = versioned(&[
        get("v1", "/things", json!({"version": "1"})),
        get("v2", "/things", json!({"version": "2"})),
        get("old", "/old", json!({"version": "1"})),
        get("every", "/every", json!({})),
        get("every-but-1", "/mixed", json!({})),
        get("mixed-1", "/mixed", json!({"version": "1"})),
        get("rest", "/{*rest}", json!({})),
    ])
    .unwrap();
    for (path, version, answer) in [
        ("/things", None, "v2"),
        ("/things", Some("1"), "v1"),
        ("/things", Some("3"), "400 unsupported-version"),
        ("/things", Some("9"), "400 unsupported-version"),
        ("/things", Some(""), "400 unsupported-version"),
        ("/old", None, "400 unsupported-version"),
        ("/old", Some("1"), "old"),
        ("/every", Some("nonsense"), "every"),
        ("/mixed", Some("1"), "mixed-1"),
        ("/mixed", Some("3"), "every-but-1"),
    ] {
        let headers: Vec<_> = version.map(|version| ("api-version", version)).into_iter().collect();
        assert_eq!(decided(&router, &asked(path, &headers)), answer, "{path} {version:?}");
    }
    assert_eq!(decided(&router, &asked("/things", &[("api-version", "1"), ("api-version", "2")])), "400 bad-request");
    let RouteDecision::Refuse(problem) = router.route(&asked("/things", &[("api-version", "3")])) else { panic!() };
    assert_eq!(problem.detail, "Versions that can be used here: 1, 2.");
    assert!(configured(&[get("v", "/", json!({"version": "1"}))]).err().unwrap().contains("not among"));
}

#[test]
fn what_may_both_answer_is_a_conflict() {
    let one_header = |name: &str, value: Value| json!({"when": {"headers": {name: value}}});
    let conflicts = [
        (one_header("a", json!("1")), one_header("b", json!("1"))),
        (one_header("a", json!("1")), one_header("a", json!("1"))),
        (one_header("a", json!(true)), one_header("b", json!(false))),
        (json!({"version": "1"}), json!({"version": "1"})),
        (json!({"hosts": ["a", "b"]}), json!({"hosts": ["b"]})),
    ];
    for (one, other) in conflicts {
        let error = versioned(&[get("one", "/{x}", one), get("other", "/{y}", other)]).err().unwrap();
        assert!(error.contains("\"one\"") && error.contains("\"other\"") && error.contains("GET"), "{error}");
    }
    let peaceful = [
        (one_header("a", json!("1")), one_header("a", json!("2"))),
        (one_header("a", json!("1")), one_header("a", json!(true))),
        (one_header("a", json!(true)), one_header("a", json!(false))),
        (json!({"version": "1"}), json!({"version": "2"})),
        (json!({"version": "1"}), json!({})),
        (json!({"hosts": ["a"]}), json!({})),
        (json!({"when": {"scheme": "http"}}), json!({"when": {"scheme": "https"}})),
    ];
    for (one, other) in peaceful {
        versioned(&[get("one", "/{x}", one), get("other", "/{y}", other)]).unwrap();
    }
}

/// The rule as it is told, without an index: of the routes that are there, the most specific by host, path, conditions.
fn scan(routes: &[Told], authority: &str, path: &str, beta: Option<&str>) -> Option<String> {
    let host = |told: &Told| match told.host {
        None => Some(0),
        Some(name) if name == authority => Some(usize::MAX),
        Some(name) => name.strip_prefix('*').filter(|suffix| authority.ends_with(suffix)).map(|_| name.len()),
    };
    let shape = |told: &Told| {
        let (pattern, given) = (told.path.split('/').skip(1), path.split('/').skip(1));
        let mut kinds = Vec::new();
        let (mut pattern, mut given) = (pattern, given);
        loop {
            match (pattern.next(), given.next()) {
                (None, None) => return Some(kinds),
                (Some(part), Some(_)) if part.starts_with("{*") => {
                    kinds.push(0);
                    return Some(kinds);
                }
                (Some(part), Some(segment)) if part.starts_with('{') && !segment.is_empty() => kinds.push(1),
                (Some(part), Some(segment)) if part == segment => kinds.push(2),
                _ => return None,
            }
        }
    };
    let conditions = |told: &Told| match (told.beta, beta) {
        (None, _) => Some((0, 0)),
        (Some(None), Some(_)) => Some((1, 0)),
        (Some(Some(wanted)), Some(given)) if wanted == given => Some((1, 1)),
        _ => None,
    };
    let there = routes.iter().filter_map(|told| Some((host(told)?, shape(told)?, conditions(told)?, &told.id)));
    there.max_by(|one, other| (one.0, &one.1, one.2).cmp(&(other.0, &other.1, other.2))).map(|best| best.3.clone())
}

#[derive(Debug, Clone)]
struct Told {
    id: String,
    host: Option<&'static str>,
    path: String,
    /// A condition on one header: any value, or this one.
    beta: Option<Option<&'static str>>,
}

fn told() -> impl Strategy<Value = Told> {
    let host = prop_oneof![3 => Just(None), 1 => Just(Some("a.b")), 1 => Just(Some("*.b")), 1 => Just(Some("*.a.b"))];
    let part = prop_oneof![2 => Just("x"), 2 => Just("y"), 1 => Just("{p}")];
    let end = prop_oneof![3 => Just(""), 1 => Just("/{*rest}")];
    let beta =
        prop_oneof![3 => Just(None), 1 => Just(Some(None)), 1 => Just(Some(Some("1"))), 1 => Just(Some(Some("2")))];
    (host, prop::collection::vec(part, 0..3), end, beta).prop_map(|(host, parts, end, beta)| {
        let parts = parts.iter().enumerate().map(|(at, part)| format!("/{}", part.replace('p', &format!("p{at}"))));
        let path = parts.collect::<String>() + end;
        Told { id: String::new(), host, path: if path.is_empty() { "/".into() } else { path }, beta }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn finds_what_a_scan_finds(
        all in prop::collection::vec(told(), 0..16),
        authority in prop::sample::select(vec!["a.b", "x.a.b", "c.b", "b", "z"]),
        path in "(/[xyz]){0,3}/?",
        beta in prop::sample::select(vec![None, Some("1"), Some("2"), Some("3")]),
    ) {
        // What is there twice would be a conflict.
        let mut distinct: Vec<Told> = Vec::new();
        for mut told in all {
            let shape = |told: &Told| told.path.replace(|c: char| c.is_ascii_digit(), "");
            if !distinct.iter().any(|other| (other.host, shape(other), other.beta) == (told.host, shape(&told), told.beta)) {
                told.id = format!("r{}", distinct.len());
                distinct.push(told);
            }
        }
        let routes = distinct.iter().map(|told| {
            let mut more = json!({"hosts": told.host.into_iter().collect::<Vec<_>>()});
            if let Some(value) = told.beta {
                more["when"] = json!({"headers": {"x-beta": value.map_or(json!(true), |value| json!(value))}});
            }
            get(&told.id, &told.path, more)
        });
        let router = configured(&routes.collect::<Vec<_>>()).unwrap();
        let path = if path.is_empty() { "/" } else { &path };
        let headers: Vec<_> = beta.map(|value| ("x-beta", value)).into_iter().collect();
        let request = RequestHead { authority: authority.into(), ..asked(path, &headers) };
        let wanted = scan(&distinct, authority, path, beta).unwrap_or_else(|| "404 not-found".into());
        prop_assert_eq!(decided(&router, &request), wanted);
    }

    /// Whatever is published and whatever is asked.
    #[test]
    fn nothing_panics(
        path in "(/|\\{|\\}|\\*|[a%2eF.]|\\PC){0,12}", to in "(/|\\{a\\}|https://|\\{host\\}|\\PC){0,6}",
        host in "[a*.:]{0,6}", asked in "(/|%|[a2eF.]|\\PC){0,12}", query in "[a=&%+#]{0,8}", authority in "\\PC{0,6}",
    ) {
        let target = json!({"redirect": {"to": to, "status": 308, "keep_query": true}});
        let more = json!({"hosts": [host], "rewrite": to, "target": target, "query": {"remove": [query]}});
        let routes = [get("r", &path, more), get("s", "/{a}/{*rest}", json!({"rewrite": to}))];
        for routes in [&routes[..], &routes[1..]] {
            if let Ok(router) = configured(routes) {
                let request = RequestHead { authority: authority.clone(), ..request("GET", &asked, Some(&query)) };
                if let RouteDecision::Forward(route) = router.route(&request) {
                    prop_assert!(route.path_and_query.starts_with('/') && !route.path_and_query.starts_with("//"));
                }
            }
        }
    }

    #[test]
    fn no_section_panics(text in "[\\[\\]{}:,\"a-z0-9 ]{0,80}") {
        let _ = Router::default().configure(text.as_bytes());
    }
}
