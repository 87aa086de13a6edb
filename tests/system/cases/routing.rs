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
