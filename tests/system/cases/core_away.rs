//! A core that is away, or slow.

use std::time::{Duration, Instant};

use reqwest::StatusCode;

use crate::fixture::core::Core;
use crate::fixture::edge::{Edge, header, problem};
use crate::fixture::snapshot::snapshot;

/// Half the time that the route waits for an answer, because machines that test are busy.
const AT_ONCE: Duration = Duration::from_secs(5);

pub async fn the_edge_says_so_at_once_and_recovers(mut edge: Edge) {
    assert_eq!(edge.get("/echo/a").await.status(), StatusCode::OK);
    edge.core.stop().await;
    for _ in 0..5 {
        let start = Instant::now();
        let answer = edge.get("/echo/a").await;
        assert!(start.elapsed() < AT_ONCE, "after {:?}", start.elapsed());
        assert_eq!(header(&answer, "retry-after"), Some("3"));
        problem(answer, 503, "upstream-unavailable").await;
        // The edge goes on with what it has.
        assert_eq!(edge.get("/").await.status(), StatusCode::OK);
        problem(edge.get("/private").await, 401, "authentication-required").await;
    }
    edge.core.come_back().await;
    edge.until("/echo/a", |answer| answer.status() == StatusCode::OK).await;
}

/// An edge that was idle long enough for its host to have forgotten it still knows its snapshot.
pub async fn the_last_good_snapshot_outlives_idleness(mut edge: Edge) {
    edge.core.stop().await;
    tokio::time::sleep(Duration::from_millis(2500)).await;
    assert_eq!(edge.get("/").await.status(), StatusCode::OK);
    problem(edge.get("/private").await, 401, "authentication-required").await;
    problem(edge.get("/echo/a").await, 503, "upstream-unavailable").await;
}

pub async fn a_slow_core_is_given_up(edge: Edge) {
    let start = Instant::now();
    problem(edge.get("/slow").await, 504, "upstream-timeout").await;
    let waited = start.elapsed();
    // The route allows 300 ms, the core takes 1000.
    assert!(waited >= Duration::from_millis(300) && waited < Duration::from_millis(950), "{waited:?}");
}

pub async fn an_edge_without_a_snapshot_is_not_ready(edge: Edge) {
    let shell = edge.shell;
    let mut core = Core::start(snapshot()).await;
    core.stop().await;
    let mut edge = Edge::before(shell, core).await;
    let start = Instant::now();
    for path in ["/echo/a", "/readyz", "/"] {
        let answer = edge.get(path).await;
        assert_eq!(header(&answer, "retry-after"), Some("1"), "{path}");
        problem(answer, 503, "not-ready").await;
    }
    assert_eq!(edge.get("/healthz").await.status(), StatusCode::OK);
    assert!(start.elapsed() < AT_ONCE, "after {:?}", start.elapsed());
    edge.core.come_back().await;
    edge.until_ready().await;
    assert_eq!(edge.get("/echo/a").await.status(), StatusCode::OK);
}
