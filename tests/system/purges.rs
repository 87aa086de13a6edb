//! Purges: what edges have cached is gone from all of them within a second.

use std::time::{Duration, Instant};

use axum::Router;
use axum::http::Uri;
use breakwater_tests::postgres::Cluster;
use breakwater_tests::system::System;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::declared::until;
use crate::fixture::edge::{header, problem};

/// The time in which every connected edge has to have forgotten.
const PROMISED: Duration = Duration::from_secs(1);

const KEY: &str = "the key of who publishes";

/// A service whose answers are kept for long, each with a number of its own.
async fn service() -> u16 {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let router = Router::new().fallback(async |uri: Uri| {
        let control = "max-age=600, stale-while-revalidate=600";
        let headers = [("cache-control", control.to_owned()), ("surrogate-key", format!("shop {}", &uri.path()[1..]))];
        (headers, uuid::Uuid::now_v7().to_string())
    });
    tokio::spawn(async move { axum::serve(listener, router).await });
    port
}

struct Purging {
    system: System,
    edges: [String; 2],
}

impl Purging {
    /// What each edge has of a path, once it keeps it.
    async fn kept(&self, path: &str) -> [String; 2] {
        let mut kept = [String::new(), String::new()];
        for (edge, kept) in self.edges.iter().zip(&mut kept) {
            let ask = || self.system.http.get(format!("{edge}{path}"));
            *kept = until(ask, |answer| header(answer, "age").is_some()).await.text().await.unwrap();
        }
        kept
    }

    /// Whether each edge has something else now.
    async fn changed(&self, path: &str, before: &[String; 2]) -> bool {
        for (edge, before) in self.edges.iter().zip(before) {
            let answer = self.system.http.get(format!("{edge}{path}")).send().await.unwrap();
            if answer.text().await.unwrap() == *before {
                return false;
            }
        }
        true
    }

    async fn purge(&self, what: Value) -> reqwest::Response {
        self.system.http.post(self.system.url("/api/v1/edge/purges")).bearer_auth(KEY).json(&what).send().await.unwrap()
    }

    async fn until_changed(&self, path: &str, before: &[String; 2]) -> Duration {
        let start = Instant::now();
        while !self.changed(path, before).await {
            assert!(start.elapsed() < PROMISED, "{path} is still there");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        start.elapsed()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_purged_is_gone_from_two_edges_within_a_second() {
    let cluster = Cluster::start_new();
    let system = System::start_with(&cluster.url(), &[("BREAKWATER_EDGE__PURGE_KEY", KEY)]).await;
    let port = service().await;
    system.declare(&format!(
        "[upstreams.shop]\norigin = \"http://127.0.0.1:{port}\"\n[[routes]]\nid = \"shop\"\npath = \"/shop/{{*rest}}\"\n\
         authentication = \"public\"\nlimits = []\nupstream = \"shop\"\nrewrite = \"/{{rest}}\"\ncache = true\n"
    ));
    let (_another, second) = system.another_edge();
    let purging = Purging { edges: [system.url(""), second], system };
    for edge in &purging.edges {
        let ask = || purging.system.http.get(format!("{edge}/readyz"));
        let start = Instant::now();
        while !ask().send().await.is_ok_and(|answer| answer.status() == StatusCode::OK) {
            assert!(start.elapsed() < Duration::from_secs(20));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        until(|| purging.system.http.get(format!("{edge}/shop/tea")), |answer| answer.status() == StatusCode::OK).await;
    }

    let (tea, milk) = (purging.kept("/shop/tea").await, purging.kept("/shop/milk").await);
    assert_ne!(tea[0], tea[1], "each edge has a memory of its own");
    assert_eq!(purging.purge(json!({ "tag": "tea" })).await.status(), StatusCode::CREATED);
    let mut took = vec![purging.until_changed("/shop/tea", &tea).await];
    assert_eq!(purging.kept("/shop/milk").await, milk, "the other has another tag");

    let tea = purging.kept("/shop/tea").await;
    assert_eq!(purging.purge(json!({ "url": "/shop/milk#now" })).await.status(), StatusCode::CREATED);
    took.push(purging.until_changed("/shop/milk", &milk).await);
    assert_eq!(purging.kept("/shop/tea").await, tea);

    // Softly: the old answer is given while it is renewed.
    let milk = purging.kept("/shop/milk").await;
    assert_eq!(purging.purge(json!({ "tag": "shop", "soft": true })).await.status(), StatusCode::CREATED);
    for (edge, old) in purging.edges.iter().zip(&milk) {
        let ask = || purging.system.http.get(format!("{edge}/shop/milk"));
        let renewing =
            |answer: &reqwest::Response| header(answer, "cache-status").unwrap_or_default().contains("renewing");
        assert_eq!(until(ask, renewing).await.text().await.unwrap(), *old);
    }
    purging.until_changed("/shop/milk", &milk).await;
    purging.until_changed("/shop/tea", &tea).await;

    let (tea, milk) = (purging.kept("/shop/tea").await, purging.kept("/shop/milk").await);
    purging.system.admin(&["purge", "--everything"]);
    took.push(purging.until_changed("/shop/tea", &tea).await);
    took.push(purging.until_changed("/shop/milk", &milk).await);
    println!("both edges had forgotten after {took:?}");

    problem(purging.purge(json!({ "tag": "a b" })).await, 422, "validation-failed").await;
    let stranger = purging.system.http.post(purging.system.url("/api/v1/edge/purges")).bearer_auth("somebody");
    problem(stranger.json(&json!({ "everything": true })).send().await.unwrap(), 403, "forbidden").await;
}
