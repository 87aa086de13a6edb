//! Public documents: edges keep them, and a write is soon at every edge: how soon is printed.

use std::time::{Duration, Instant};

use breakwater_tests::api::{Account, created};
use breakwater_tests::postgres::Cluster;
use breakwater_tests::system::System;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::declared::until;
use crate::fixture::edge::header;

/// Longer than anything here takes on the busiest machine. What is promised is a second.
const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn a_write_is_soon_at_two_edges_that_keep_what_it_changes() {
    let cluster = Cluster::start_new();
    let system = System::start(&cluster.url()).await;
    let (_another, second) = system.another_edge();
    let account = Account::new(&system, "editor@example.com").await;
    let options = json!({ "options": { "public": {} } });
    let change = account.request(&system, Method::PATCH, &account.path("collections/notes")).json(&options);
    assert_eq!(change.send().await.unwrap().status(), StatusCode::OK);
    let document = account.request(&system, Method::POST, &account.documents()).json(&json!({ "data": { "n": 0 } }));
    let document = created(document.send().await.unwrap()).await;
    let path = format!("{}/{}", account.documents(), document["id"].as_str().unwrap());
    let public = path.replace("/api/v1/workspaces/", "/api/v1/public/workspaces/");
    let edges = [system.url(""), second];

    let mut slowest = Duration::ZERO;
    for n in 1..=10 {
        for edge in &edges {
            let kept = |answer: &reqwest::Response| header(answer, "cache-status").unwrap_or_default().contains("hit");
            until(|| system.http.get(format!("{edge}{public}")), kept).await;
        }
        let change = account.request(&system, Method::PATCH, &path).json(&json!({ "data": { "n": n } }));
        assert_eq!(change.send().await.unwrap().status(), StatusCode::OK);
        let written = Instant::now();
        for edge in &edges {
            loop {
                let seen: Value =
                    system.http.get(format!("{edge}{public}")).send().await.unwrap().json().await.unwrap();
                if seen["data"]["n"] == n {
                    break;
                }
                assert!(written.elapsed() < PATIENCE, "{edge} still shows {seen}");
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        }
        slowest = slowest.max(written.elapsed());
    }
    println!("both edges showed each of ten writes after {slowest:?} at most");

    // Gone is gone.
    let gone = account.request(&system, Method::DELETE, &path).send().await.unwrap();
    assert_eq!(gone.status(), StatusCode::NO_CONTENT);
    let deleted = Instant::now();
    for edge in &edges {
        let url = format!("{edge}{public}");
        while system.http.get(&url).send().await.unwrap().status() != StatusCode::NOT_FOUND {
            assert!(deleted.elapsed() < PATIENCE, "{edge} still shows it");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}
