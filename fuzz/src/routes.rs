use std::sync::LazyLock;

use breakwater_kit::types::{RequestHead, RouteDecision};
use breakwater_router::Router;
use serde_json::{Value, json};

static ROUTER: LazyLock<Router> = LazyLock::new(|| {
    let route = |id: &str, path: &str, changes: Value| {
        let mut route = json!({
            "id": id, "methods": ["GET", "POST"], "path": path, "target": {"upstream": "core"},
            "authentication": {"mode": "public"}
        });
        route.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        route
    };
    let routes = json!({"routes": [
        route("list", "/api/v1/things", json!({})),
        route("one", "/api/v1/things/{thing}", json!({})),
        route("mine", "/api/v1/things/mine", json!({})),
        route("part", "/api/v1/things/{thing}/parts/{part}", json!({})),
        route("rest", "/files/{*rest}", json!({})),
        route("umlaut", "/%C3%A4/{x}", json!({})),
    ]});
    let mut router = Router::default();
    router.configure(routes.to_string().as_bytes()).unwrap();
    router
});

/// The route of a request: the pattern that the path has, and what goes upstream is one path and query that means the
/// same.
pub fn routes(data: &[u8]) {
    let request = super::request(data);
    let (decision, again) = (ROUTER.route(&request), ROUTER.route(&request));
    assert_eq!(format!("{decision:?}"), format!("{again:?}"));
    match decision {
        RouteDecision::Refuse(problem) => assert!((400..500).contains(&problem.status), "{problem:?}"),
        RouteDecision::Forward(route) => {
            let target = route.path_and_query;
            assert!(target.starts_with('/'), "{target:?}");
            assert!(!target.bytes().any(|byte| byte <= b' ' || byte == 0x7f || byte == b'#'), "{target:?}");
            let path = target.split('?').next().unwrap_or_default();
            assert!(path.split('/').all(|part| !matches!(part, "." | "..")), "{target:?}");
            assert!(fits(&route.id, path), "{} for {target:?}", route.id);
            settled(&request, path, &route.id);
        }
    }
}

/// The patterns once more, read another way.
fn fits(route: &str, path: &str) -> bool {
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    match (route, parts.as_slice()) {
        ("list", ["api", "v1", "things"]) | ("mine", ["api", "v1", "things", "mine"]) => true,
        ("one", ["api", "v1", "things", thing]) => !thing.is_empty() && *thing != "mine",
        ("part", ["api", "v1", "things", thing, "parts", part]) => !thing.is_empty() && !part.is_empty(),
        ("rest", ["files", ..]) => true,
        ("umlaut", ["%C3%A4", x]) => !x.is_empty(),
        _ => false,
    }
}

/// Asking for the path that goes upstream finds the same route: nothing is decoded twice.
fn settled(request: &RequestHead, path: &str, route: &str) {
    let again = RequestHead { path: path.to_owned(), ..request.clone() };
    let RouteDecision::Forward(found) = ROUTER.route(&again) else { panic!("{path:?} has no route") };
    assert_eq!(found.id, route, "{path:?}");
    assert_eq!(found.path_and_query.split('?').next(), Some(path));
}
