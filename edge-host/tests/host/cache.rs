//! Responses that the edge keeps.

use crate::support::edge::eventually;
use crate::support::{Core, Edge, client};

async fn body(edge: &Edge, path: &str) -> String {
    client().get(edge.url(path)).send().await.unwrap().text().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fresh_response_is_answered_from_memory() {
    let core = Core::start().await;
    let edge = Edge::start(&core).await;
    assert_eq!(body(&edge, "/cached/fresh").await, "visit 1");
    let response = client().get(edge.url("/cached/fresh")).send().await.unwrap();
    assert!(response.headers().contains_key("age"));
    assert!(!response.headers().contains_key("breakwater-internal"));
    assert_eq!(response.headers()["content-length"], "7");
    assert_eq!(response.text().await.unwrap(), "visit 1");
    let head = client().head(edge.url("/cached/fresh")).send().await.unwrap();
    assert_eq!(head.headers()["content-length"], "7");
    assert_eq!(core.count(), 1);
    assert_eq!(body(&edge, "/cached/fresh?other").await, "visit 2", "another query is another response");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_response_is_confirmed() {
    let core = Core::start().await;
    let edge = Edge::start(&core).await;
    assert_eq!(body(&edge, "/cached/validated").await, "visit 1");
    for _ in 0..3 {
        assert_eq!(body(&edge, "/cached/validated").await, "visit 1");
    }
    assert_eq!(core.count(), 4, "the core was asked each time");
    assert_eq!(core.last().headers["if-none-match"], "\"tag\"");

    let conditional = client().get(edge.url("/cached/validated")).header("if-none-match", "\"tag\"").send().await;
    assert_eq!(conditional.unwrap().status(), 304, "the client's own condition holds as well");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_passes_through_unkept() {
    let core = Core::start().await;
    let edge = Edge::start(&core).await;
    for visit in 1..3 {
        assert_eq!(body(&edge, "/cached/large-fresh?100001").await.len(), 100_001);
        assert_eq!(core.count(), visit);
    }
    // Up to the limit it is kept, though its length was not said.
    assert_eq!(body(&edge, "/cached/large-fresh?100000").await.len(), 100_000);
    let count = core.count();
    eventually("it is kept", async || {
        let before = core.count();
        assert_eq!(body(&edge, "/cached/large-fresh?100000").await.len(), 100_000);
        core.count() == before
    })
    .await;
    assert!(core.count() <= count + 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_response_that_broke_off_is_not_kept() {
    let core = Core::start().await;
    let edge = Edge::start(&core).await;
    let response = client().get(edge.url("/cached/large-fresh?99999")).send().await.unwrap();
    drop(response);
    assert_eq!(body(&edge, "/cached/large-fresh?99999").await.len(), 99_999);
}
