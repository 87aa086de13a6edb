//! Policies that trap, loop and eat memory cost the request that asked them, and nothing else.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::edge::eventually;
use crate::support::{Core, Edge, client, problem, snapshot};

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_costs_its_own_request() {
    let core = Core::start().await;
    let edge = Edge::before(&core).hostile().one_worker().start().await;
    let resident = edge.resident();
    for (path, reason) in [("/trap", "unreachable"), ("/loop", "took longer than"), ("/eat", "memory")] {
        for _ in 0..3 {
            let begin = Instant::now();
            let response = client().get(edge.url(path)).send().await.unwrap();
            let problem = problem(response, 500, "internal").await;
            assert!(begin.elapsed() < Duration::from_secs(5), "{path}");
            assert!(!problem["detail"].as_str().unwrap().contains(reason), "clients are not told");
            // The next request of the same worker has a policy again, configured as it was.
            assert_eq!(client().get(edge.url("/hello")).send().await.unwrap().status(), 200, "after {path}");
        }
        eventually("the log says why", async || {
            edge.logged("a policy failed").iter().any(|line| line.contains(reason))
        })
        .await;
    }
    let grown = edge.resident().saturating_sub(resident);
    assert!(grown < 16 * 1024 * 1024, "what was eaten is given back: {grown} bytes are not");
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_beside_a_failure_go_on() {
    let core = Core::start().await;
    let edge = Edge::before(&core).hostile().one_worker().start().await;
    let client = client();
    let slow = tokio::spawn(client.get(edge.url("/sleep?800")).send());
    tokio::time::sleep(Duration::from_millis(100)).await;
    for path in ["/trap", "/eat", "/loop"] {
        assert_eq!(client.get(edge.url(path)).send().await.unwrap().status(), 500);
    }
    assert_eq!(slow.await.unwrap().unwrap().text().await.unwrap(), "slept");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_that_a_policy_traps_over_is_refused() {
    let core = Core::start().await;
    let edge = Edge::before(&core).hostile().start().await;
    let mut document = snapshot::document("2");
    document["routing"] = json!("trap");
    core.publish(&document);
    eventually("it is refused", async || !edge.logged("the snapshot was refused").is_empty()).await;
    for _ in 0..4 {
        assert_eq!(client().get(edge.url("/hello")).send().await.unwrap().status(), 200);
    }
}
