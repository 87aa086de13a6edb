//! Upstreams that are away, slow, or not allowed.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::support::edge::eventually;
use crate::support::{Core, Edge, client, problem};

#[tokio::test(flavor = "multi_thread")]
async fn a_core_that_is_away_is_a_503_at_once_and_comes_back() {
    let core = Core::start().await;
    let edge = Edge::start(&core).await;
    let address = core.address;
    assert_eq!(client().get(edge.url("/hello")).send().await.unwrap().status(), 200);
    core.stop().await;
    for _ in 0..3 {
        let begin = Instant::now();
        let response = client().get(edge.url("/hello")).send().await.unwrap();
        assert!(begin.elapsed() < Duration::from_millis(900), "it hangs");
        assert_eq!(response.headers()["retry-after"], "2");
        problem(response, 503, "upstream-unavailable").await;
    }
    // The edge itself stays ready: it has its snapshot, and says what is the matter by itself.
    assert_eq!(client().get(edge.url("/readyz")).send().await.unwrap().status(), 200);
    let _core = Core::start_at(address).await;
    eventually("requests go through again", async || {
        client().get(edge.url("/hello")).send().await.unwrap().status() == 200
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_takes_too_long_is_a_504() {
    let core = Core::start().await;
    let edge = Edge::start(&core).await;
    let begin = Instant::now();
    let response = client().get(edge.url("/quick/sleep?20000")).send().await.unwrap();
    problem(response, 504, "upstream-timeout").await;
    assert!((300..3000).contains(&begin.elapsed().as_millis()), "{:?}", begin.elapsed());
    eventually("the core's request is given up", async || core.shared.counters.cancelled.load(Ordering::SeqCst) == 1)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_stands_still_is_broken_off() {
    let core = Core::start().await;
    let edge = Edge::start(&core).await;
    let begin = Instant::now();
    let response = client().get(edge.url("/quick/stall")).send().await.unwrap();
    assert_eq!(response.status(), 200);
    // Not as if it were whole.
    response.bytes().await.unwrap_err();
    assert!((400..5000).contains(&begin.elapsed().as_millis()), "{:?}", begin.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_safe_request_is_tried_again_and_no_other() {
    let core = Core::start().await;
    let edge = Edge::start(&core).await;
    let response = client().get(edge.url("/a/first-lost")).send().await.unwrap();
    assert_eq!(response.text().await.unwrap(), "visit 2");
    problem(client().get(edge.url("/always-lost")).send().await.unwrap(), 503, "upstream-unavailable").await;
    assert_eq!(core.count(), 4, "two tries each");

    // A POST may have had its effect; so may a PUT, which has it twice without harm.
    problem(client().post(edge.url("/b/first-lost")).send().await.unwrap(), 503, "upstream-unavailable").await;
    assert_eq!(core.count(), 5);
    let put = client().put(edge.url("/c/first-lost")).body("x").send().await.unwrap();
    assert_eq!(put.text().await.unwrap(), "visit 2");

    // Of a body that is too long to be kept, there is no second try.
    let long = client().put(edge.url("/d/first-lost")).body(vec![b'x'; 100_000]).send().await.unwrap();
    problem(long, 503, "upstream-unavailable").await;
    assert_eq!(core.count(), 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_used_again_and_dead_ones_noticed() {
    let core = Core::start().await;
    let edge = Edge::before(&core).one_worker().start().await;
    let client = client();
    let begin = core.shared.counters.connections.load(Ordering::SeqCst);
    for _ in 0..20 {
        assert_eq!(client.get(edge.url("/hello")).send().await.unwrap().status(), 200);
    }
    assert_eq!(core.shared.counters.connections.load(Ordering::SeqCst) - begin, 1);

    // The core restarts: the pooled connection is dead, and not even a POST notices.
    let address = core.address;
    core.stop().await;
    let core = Core::start_at(address).await;
    let response = client.post(edge.url("/upload")).body("hello").send().await.unwrap();
    assert_eq!(response.text().await.unwrap(), "5");
    assert_eq!(core.count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_hosts_that_the_manifest_allows_are_reached() {
    let core = Core::start().await;
    let edge = Edge::start(&core).await;
    problem(client().get(edge.url("/elsewhere/x")).send().await.unwrap(), 500, "internal").await;
    eventually("the log says why", async || !edge.logged("does not allow this upstream").is_empty()).await;

    // Allowed, it is tried; nobody is there.
    let edge = Edge::before(&core).outbound("http://127.0.0.2:9").start().await;
    problem(client().get(edge.url("/elsewhere/x")).send().await.unwrap(), 503, "upstream-unavailable").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_to_an_unknown_upstream_is_an_error_of_ours() {
    let core = Core::start().await;
    let edge = Edge::start(&core).await;
    problem(client().get(edge.url("/nowhere/x")).send().await.unwrap(), 500, "internal").await;
}
