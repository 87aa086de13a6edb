//! Allowances and cached responses, in memory and in Redis.

use std::time::Instant;

use crate::support::edge::eventually;
use crate::support::{Core, Edge, client, problem};

fn redis() -> String {
    std::env::var("BREAKWATER_TEST_REDIS").expect("BREAKWATER_TEST_REDIS is not set: run `cargo xtask test`")
}

/// Removes what other runs left about this client's address.
async fn forget() {
    let client = redis::Client::open(redis()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let keys: Vec<String> = redis::cmd("KEYS").arg("breakwater:edge:*").query_async(&mut connection).await.unwrap();
    for key in keys {
        redis::cmd("DEL").arg(key).exec_async(&mut connection).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn allowances_in_memory_are_one_for_all_workers() {
    let core = Core::start().await;
    let edge = Edge::start(&core).await;
    for left in (0..5).rev() {
        let response = client().get(edge.url("/limited/x")).send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert!(response.headers()["ratelimit"].to_str().unwrap().contains(&format!("r={left}")), "{response:?}");
    }
    let response = client().get(edge.url("/limited/x")).send().await.unwrap();
    assert!(response.headers().contains_key("retry-after") && response.headers().contains_key("ratelimit-policy"));
    problem(response, 429, "rate-limited").await;
    assert_eq!(core.count(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_is_shared_by_edges_and_its_absence_is_survived() {
    forget().await;
    let core = Core::start().await;
    let redis = redis();
    let start = || Edge::before(&core).environment("SPIN_VARIABLE_REDIS_URL", &redis).with(&["--state", "redis"]);
    let (one, two) = (start().start().await, start().start().await);
    for index in 0..5 {
        let edge = if index % 2 == 0 { &one } else { &two };
        assert_eq!(client().get(edge.url("/limited/x")).send().await.unwrap().status(), 200);
    }
    for edge in [&one, &two] {
        problem(client().get(edge.url("/limited/x")).send().await.unwrap(), 429, "rate-limited").await;
    }
    // Behind one name, as edges are: the name is part of what is asked for.
    let fresh = async |edge: &Edge| {
        let request = client().get(edge.url("/cached/fresh")).header("host", "app.example");
        request.send().await.unwrap().text().await.unwrap()
    };
    let first = fresh(&one).await;
    eventually("the other edge has it too", async || fresh(&two).await == first).await;

    // Nobody is at that address: a limit that is open lets through, one that is closed does not, and nothing waits.
    let away = Edge::before(&core)
        .environment("SPIN_VARIABLE_REDIS_URL", "redis://127.0.0.1:1")
        .with(&["--state", "redis"])
        .start()
        .await;
    for _ in 0..20 {
        let begin = Instant::now();
        assert_eq!(client().get(away.url("/limited/x")).send().await.unwrap().status(), 200);
        assert_eq!(client().get(away.url("/cached/fresh")).send().await.unwrap().status(), 200);
        assert!(begin.elapsed().as_millis() < 1000, "{:?}", begin.elapsed());
    }
    assert!(client().get(away.url("/closed/x")).send().await.unwrap().status().is_server_error());
}
