//! Where a request goes.

use reqwest::Method;

use crate::fixture::edge::{Edge, echoed, header, problem};

pub async fn the_most_specific_route_wins(edge: Edge) {
    let told = echoed(edge.get("/echo/a/b?c=d%20e").await).await;
    assert_eq!(told["target"], "/echo/a/b?c=d%20e");
    // The literal segment wins over the parameter, even where it has no such method.
    assert_eq!(echoed(edge.get("/items/1").await).await["target"], "/items/1");
    problem(edge.get("/items/special").await, 405, "method-not-allowed").await;
}

pub async fn an_unknown_path_is_not_found(edge: Edge) {
    problem(edge.get("/nowhere").await, 404, "not-found").await;
    problem(edge.get("/items").await, 404, "not-found").await;
    assert!(edge.core.asked("/nowhere").is_empty() && edge.core.asked("/items").is_empty());
}

pub async fn a_wrong_method_lists_the_right_ones(edge: Edge) {
    let answer = edge.request(Method::PATCH, "/items/1").send().await.unwrap();
    assert_eq!(header(&answer, "allow"), Some("GET, HEAD"));
    problem(answer, 405, "method-not-allowed").await;
    assert!(edge.core.asked("/items").is_empty());
}

pub async fn head_is_answered_where_get_is(edge: Edge) {
    for path in ["/echo/a", "/kept/head?control=no-store", "/", "/nowhere"] {
        let whole = edge.get(path).await;
        let head = edge.request(Method::HEAD, path).send().await.unwrap();
        assert_eq!(head.status(), whole.status(), "{path}");
        assert_eq!(header(&head, "content-type"), header(&whole, "content-type"), "{path}");
        assert!(head.bytes().await.unwrap().is_empty(), "{path}");
    }
    assert_eq!(edge.core.asked("/echo/a").iter().filter(|asked| asked.method == "HEAD").count(), 1);
}

pub async fn an_upstream_that_the_manifest_does_not_allow_is_not_asked(edge: Edge) {
    problem(edge.get("/elsewhere").await, 500, "internal").await;
}

pub async fn hosts_and_headers_choose_routes(edge: Edge) {
    let answer = edge.request(Method::GET, "/echo/a?b=c").header("host", "shop.example").send().await.unwrap();
    assert_eq!(echoed(answer).await["target"], "/shop/a?b=c");
    let answer = edge.request(Method::GET, "/items/1?a=2").header("x-beta", "").send().await.unwrap();
    assert!(header(&answer, "vary").unwrap().contains("x-beta"));
    assert_eq!(echoed(answer).await["target"], "/beta/1?a=2&beta=1");
    assert!(header(&edge.get("/items/1").await, "vary").unwrap().contains("x-beta"));
}

pub async fn a_redirect_is_answered_by_the_edge(edge: Edge) {
    let answer = edge.get("/moved/a/b?c=d").await;
    assert_eq!((answer.status().as_u16(), header(&answer, "location")), (308, Some("/echo/a/b?c=d")));
    assert!(edge.core.asked("/moved").is_empty());
}

pub async fn a_closed_route_says_when_to_come_back(edge: Edge) {
    let answer = edge.get("/closed").await;
    assert_eq!(header(&answer, "retry-after"), Some("60"));
    problem(answer, 503, "maintenance").await;
    edge.core.publish(|snapshot| snapshot["routing"]["maintenance"] = serde_json::json!({ "retry_after_seconds": 5 }));
    let answer = edge.until("/echo/a", |answer| answer.status() == 503).await;
    assert_eq!(header(&answer, "retry-after"), Some("5"));
    problem(answer, 503, "maintenance").await;
    assert_eq!(edge.get("/healthz").await.status(), 200);
}
