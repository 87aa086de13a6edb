//! Four edges, two of each kind, over one Redis: together they let through what one limit allows.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::fixture::core::Core;
use crate::fixture::edge::{Edge, Shell, client};
use crate::fixture::snapshot::snapshot;

const BURST: u64 = 300;
const PER_SECOND: u64 = 100;
const BATCH: u64 = 5;

/// For as long as all ask as fast as they can.
const LASTS: Duration = Duration::from_secs(3);

/// What was let through, and what one limit would have let through in the time that it took.
struct Outcome {
    allowed: u64,
    refused: u64,
    exact: f64,
}

async fn flood(limit: Value) -> Outcome {
    let mut document = snapshot();
    document["rate_limiting"]["limits"].as_array_mut().unwrap().push(limit);
    let routes = document["routing"]["routes"].as_array_mut().unwrap();
    let few = routes.iter_mut().find(|route| route["id"] == "few").unwrap();
    few["limits"] = json!(["shared"]);
    let mut edges = Vec::new();
    for shell in [Shell::EdgeHost, Shell::Spin, Shell::EdgeHost, Shell::Spin] {
        let edge = Edge::before(shell, Core::start(document.clone()).await).await;
        edge.until_ready().await;
        edges.push(edge);
    }
    let shared: IpAddr = edges[0].client_address;
    let (allowed, refused) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let start = Instant::now();
    let tasks: Vec<_> = edges
        .iter()
        .flat_map(|edge| [edge.url("/few"), edge.url("/few")])
        .map(|url| {
            let (client, allowed, refused) = (client(shared), allowed.clone(), refused.clone());
            tokio::spawn(async move {
                while start.elapsed() < LASTS {
                    match client.get(&url).send().await.unwrap().status() {
                        StatusCode::OK => allowed.fetch_add(1, Ordering::Relaxed),
                        StatusCode::TOO_MANY_REQUESTS => refused.fetch_add(1, Ordering::Relaxed),
                        other => panic!("{other}"),
                    };
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let exact = BURST as f64 + PER_SECOND as f64 * start.elapsed().as_secs_f64();
    Outcome { allowed: allowed.load(Ordering::Relaxed), refused: refused.load(Ordering::Relaxed), exact }
}

fn shared(more: Value) -> Value {
    let mut limit = json!({
        "name": "shared", "by": "address", "quota": PER_SECOND, "window_seconds": 1, "burst": BURST,
        "when_state_is_away": "closed",
    });
    for (name, value) in more.as_object().unwrap() {
        limit[name] = value.clone();
    }
    limit
}

#[tokio::test(flavor = "multi_thread")]
async fn together_they_let_through_what_one_limit_allows() {
    let Outcome { allowed, refused, exact } = flood(shared(json!({}))).await;
    println!("{allowed} let through where {exact:.0} were allowed, {refused} refused");
    assert!(refused > 0, "there were too few requests to tell");
    assert!(allowed as f64 <= exact * 1.01, "{allowed} of {exact}");
    assert!(allowed >= BURST, "{allowed} of {exact}");
}

/// The documented error of `precision: local`: a batch for each holder, here one worker or instance an edge; Spin may make
/// several instances.
#[tokio::test(flavor = "multi_thread")]
async fn with_stocks_the_error_is_within_its_bound() {
    let limit = shared(json!({ "precision": "local", "batch": BATCH }));
    let Outcome { allowed, refused, exact } = flood(limit).await;
    println!("{allowed} let through where {exact:.0} were allowed, {refused} refused, {BATCH} in stock");
    assert!(refused > 0, "there were too few requests to tell");
    assert!(allowed as f64 <= exact + (4 * BATCH) as f64, "{allowed} of {exact}");
}
