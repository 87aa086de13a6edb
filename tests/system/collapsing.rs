//! Requests that want the same at the same time: one asks the upstream for all of them.

use std::time::{Duration, Instant};

use reqwest::{Method, Response, StatusCode};
use serde_json::json;

use crate::fixture::core::Core;
use crate::fixture::edge::{Edge, Shell};
use crate::fixture::snapshot::snapshot;

/// A path that no other case has.
fn path(query: &str) -> String {
    format!("/kept/{}?{query}", uuid::Uuid::now_v7())
}

/// So many requests at once, and what each of them got.
async fn all_at_once(edge: &Edge, path: &str, count: usize) -> Vec<String> {
    let asking: Vec<_> = (0..count).map(|_| tokio::spawn(edge.client.get(edge.url(path)).send())).collect();
    let mut bodies = Vec::new();
    for answer in asking {
        bodies.push(body(answer.await.unwrap().unwrap()).await);
    }
    bodies
}

async fn body(answer: Response) -> String {
    assert_eq!(answer.status(), StatusCode::OK);
    answer.text().await.unwrap()
}

async fn until_asked(edge: &Edge, path: &str, times: usize) {
    let start = Instant::now();
    while edge.core.asked(path).len() < times {
        assert!(start.elapsed() < Duration::from_secs(20), "asked {} times", edge.core.asked(path).len());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Asks the edge alone, until it has something, fresh or not.
async fn until_kept(edge: &Edge, path: &str) {
    let start = Instant::now();
    let ask = || edge.request(Method::GET, path).header("cache-control", "only-if-cached, max-stale=600").send();
    while ask().await.unwrap().status() != StatusCode::OK {
        assert!(start.elapsed() < Duration::from_secs(20), "{path} is never kept");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_misses_ask_once() {
    // On a slow machine, too, nobody waits too long.
    let mut document = snapshot();
    document["caching"]["collapse_ms"] = json!(60_000);
    let edge = Edge::before(Shell::EdgeHost, Core::start(document).await).await;
    edge.until_ready().await;
    let path = path("control=max-age=60&hold=1");
    let (bodies, ()) = tokio::join!(all_at_once(&edge, &path, 100), async {
        until_asked(&edge, &path, 1).await;
        // Those that come after the release find it kept, which is as good.
        tokio::time::sleep(Duration::from_millis(500)).await;
        edge.core.release();
    });
    assert_eq!(bodies.len(), 100);
    assert!(bodies.iter().all(|body| *body == bodies[0]), "{bodies:?}");
    assert_eq!(edge.core.asked(&path).len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_is_not_answered_with_another_variant() {
    let edge = Edge::start(Shell::EdgeHost).await;
    let path = path("control=max-age=60&vary=x-foo");
    let ask =
        async |value: &str| body(edge.request(Method::GET, &path).header("x-foo", value).send().await.unwrap()).await;
    let (one, two) = tokio::join!(ask("1"), ask("2"));
    assert_ne!(one, two);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_waits_for_ever() {
    let edge = Edge::start(Shell::EdgeHost).await;
    let path = path("control=max-age=60&hold=1");
    let (leader, ()) = tokio::join!(edge.get(&path), async {
        until_asked(&edge, &path, 1).await;
        // The first has no answer before this one has: who waited long enough asks for itself.
        let followers = all_at_once(&edge, &path, 5).await;
        assert_eq!(followers.len(), 5);
        edge.core.release();
    });
    body(leader).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_kept_is_not_waited_for() {
    let edge = Edge::start(Shell::EdgeHost).await;
    let path = path("control=no-store&hold=2");
    body(edge.get(&path).await).await;
    // Remembered at leisure, as an answer is kept.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let (held, ()) = tokio::join!(edge.get(&path), async {
        until_asked(&edge, &path, 2).await;
        let start = Instant::now();
        for _ in 0..6 {
            body(edge.get(&path).await).await;
        }
        // Waiting would take five seconds for each.
        assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
        edge.core.release();
    });
    body(held).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stale_answer_is_renewed_once() {
    for shell in [Shell::EdgeHost, Shell::Spin] {
        let edge = Edge::start(shell).await;
        let path = path("control=max-age=0,stale-while-revalidate=600&etag=%221%22&hold=2");
        let old = body(edge.get(&path).await).await;
        until_kept(&edge, &path).await;
        // While the renewal is held, everybody has the old answer, and nobody asks again.
        let bodies = all_at_once(&edge, &path, 50).await;
        assert!(bodies.iter().all(|body| *body == old), "{shell:?} {bodies:?}");
        until_asked(&edge, &path, 2).await;
        assert_eq!(edge.core.asked(&path).len(), 2, "{shell:?}");
        edge.core.release();
    }
}
