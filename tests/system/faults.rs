//! Servers that go away and come back, under requests: clear answers while they are away, recovery without a restart,
//! and nothing half-written.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use breakwater_tests::api::Account;
use breakwater_tests::postgres::Cluster;
use breakwater_tests::system::System;
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

#[tokio::test]
async fn postgresql_goes_and_comes_back_under_requests() {
    let cluster = Cluster::start_new();
    let system = Arc::new(System::start(&cluster.url()).await);
    let account = Arc::new(Account::new(&system, "ada@example.com").await);

    let stop = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> =
        (0..4).map(|writer| tokio::spawn(write_until(stop.clone(), system.clone(), account.clone(), writer))).collect();

    tokio::time::sleep(Duration::from_millis(300)).await;
    cluster.stop();
    let away = account.request(&system, Method::GET, "/api/v1/me").send().await.unwrap();
    assert_away(away, "database-unavailable").await;
    let not_ready = system.http.get(system.url("/healthz")).send().await.unwrap();
    assert_eq!(not_ready.status(), StatusCode::OK, "the edge is alive without a database");
    tokio::time::sleep(Duration::from_millis(500)).await;
    cluster.start();
    system.ready().await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    stop.store(true, Ordering::Relaxed);

    let mut confirmed = Vec::new();
    let mut refused = 0;
    for writer in writers {
        let written = writer.await.unwrap();
        confirmed.extend(written.confirmed);
        refused += written.refused;
    }
    assert!(refused > 0, "PostgreSQL was stopped under requests");
    let stored = account.numbers(&system).await;
    for number in &confirmed {
        let times = stored.iter().filter(|stored| *stored == number).count();
        assert_eq!(times, 1, "document {number} was confirmed and stands {times} times");
    }
}

#[tokio::test]
async fn a_stopped_core_is_answered_for_at_once() {
    let cluster = Cluster::start_new();
    let mut system = System::start(&cluster.url()).await;
    let account = Account::new(&system, "grace@example.com").await;

    assert!(system.core.terminate().success(), "the core stops in good order");
    let start = Instant::now();
    let away = account.request(&system, Method::GET, "/api/v1/me").send().await.unwrap();
    assert!(away.headers().contains_key("retry-after"));
    assert_away(away, "upstream-unavailable").await;
    assert!(start.elapsed() < Duration::from_secs(1), "it took {:?}", start.elapsed());

    // The edge still judges by the last good snapshot.
    let stranger = system.http.get(system.url("/api/v1/me")).send().await.unwrap();
    assert_eq!(stranger.status(), StatusCode::UNAUTHORIZED);
    let nowhere = system.http.get(system.url("/api/v1/nowhere")).send().await.unwrap();
    assert_eq!(nowhere.status(), StatusCode::NOT_FOUND);
    let nowhere = system.http.post(system.url("/api/v1/nowhere")).send().await.unwrap();
    assert_eq!(nowhere.status(), StatusCode::NOT_FOUND, "whatever the method");
    let wrong = system.http.delete(system.url("/api/v1/auth/login")).send().await.unwrap();
    assert_eq!(wrong.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(wrong.headers()["allow"], "POST");

    system.restart_core();
    system.ready().await;
    let back = account.request(&system, Method::GET, "/api/v1/me").send().await.unwrap();
    assert_eq!(back.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_killed_core_and_a_killed_edge_restart_clean() {
    let cluster = Cluster::start_new();
    let mut system = System::start(&cluster.url()).await;
    let account = Account::new(&system, "mary@example.com").await;
    let documents = account.documents();
    let document = account.request(&system, Method::POST, &documents).json(&json!({ "data": { "n": 1 } }));
    assert_eq!(document.send().await.unwrap().status(), StatusCode::CREATED);

    system.core.kill();
    system.restart_core();
    system.ready().await;
    assert_eq!(account.numbers(&system).await, [1]);

    system.edge.kill();
    system.restart_edge();
    system.ready().await;
    assert_eq!(account.numbers(&system).await, [1]);
}

#[tokio::test]
async fn one_of_two_cores_is_killed_and_no_idempotent_request_is_lost() {
    let cluster = Cluster::start_new();
    let mut system = System::start(&cluster.url()).await;
    system.add_core().await;
    let account = Account::new(&system, "edith@example.com").await;
    let me = account.request(&system, Method::GET, "/api/v1/me");
    let stop = Arc::new(AtomicBool::new(false));
    let count = Arc::new(AtomicUsize::new(0));
    let readers: Vec<_> = (0..8)
        .map(|_| {
            let (me, stop, count) = (me.try_clone().unwrap(), stop.clone(), count.clone());
            tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    let answer = me.try_clone().unwrap().send().await.unwrap();
                    assert_eq!(answer.status(), StatusCode::OK);
                    count.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    let more = async |how_many: usize| {
        let wanted = count.load(Ordering::Relaxed) + how_many;
        let start = Instant::now();
        while count.load(Ordering::Relaxed) < wanted && !readers.iter().any(tokio::task::JoinHandle::is_finished) {
            assert!(start.elapsed() < Duration::from_secs(30), "no more answers");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    more(200).await;
    system.core.kill();
    more(200).await;
    // New connections are refused, and a write that nobody got goes to the other core.
    let document = account.request(&system, Method::POST, &account.documents()).json(&json!({ "data": { "n": 1 } }));
    assert_eq!(document.send().await.unwrap().status(), StatusCode::CREATED);
    stop.store(true, Ordering::Relaxed);
    for reader in readers {
        reader.await.unwrap();
    }
    assert_eq!(account.numbers(&system).await, [1]);
}

struct Written {
    confirmed: Vec<i64>,
    refused: usize,
}

/// Creates numbered documents. A number that got no answer is tried again with the same idempotency key, as a client
/// would, so that it must stand exactly once when it is confirmed.
async fn write_until(stop: Arc<AtomicBool>, system: Arc<System>, account: Arc<Account>, writer: i64) -> Written {
    let mut written = Written { confirmed: Vec::new(), refused: 0 };
    let mut number = writer * 1_000_000;
    while !stop.load(Ordering::Relaxed) {
        let answer = account
            .request(&system, Method::POST, &account.documents())
            .header("idempotency-key", format!("number-{number}"))
            .json(&json!({ "data": { "n": number } }))
            .send()
            .await
            .unwrap();
        match answer.status() {
            StatusCode::CREATED => {
                written.confirmed.push(number);
                number += 1;
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                assert_away(answer, "database-unavailable").await;
                written.refused += 1;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            // The first try with this key has not been given up yet.
            StatusCode::CONFLICT => tokio::time::sleep(Duration::from_millis(20)).await,
            other => panic!("document {number}: {other}: {}\n{}", answer.text().await.unwrap(), system.core.output()),
        }
    }
    written
}

async fn assert_away(answer: Response, slug: &str) {
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.headers().contains_key("retry-after"), "{:?}", answer.headers());
    let problem: Value = answer.json().await.unwrap();
    assert_eq!(problem["type"], format!("urn:breakwater:problem:{slug}"), "{problem}");
}
