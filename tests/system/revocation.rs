//! A session that ends is refused by the edge itself, within a second.

use std::time::Duration;

use breakwater_tests::api::Account;
use breakwater_tests::postgres::Cluster;
use breakwater_tests::system::System;
use reqwest::{Method, StatusCode};

use crate::fixture::edge::problem;

/// The time in which every connected edge has to know.
const PROMISED: Duration = Duration::from_secs(1);

#[tokio::test(flavor = "multi_thread")]
async fn the_edge_knows_of_an_ended_session_before_a_second_is_over() {
    let cluster = Cluster::start_new();
    let mut system = System::start(&cluster.url()).await;
    let account = Account::new(&system, "ada@example.com").await;
    let me = account.request(&system, Method::GET, "/api/v1/me").send().await.unwrap();
    assert_eq!(me.status(), StatusCode::OK, "the edge remembers this token as good");
    let out = account.request(&system, Method::POST, "/api/v1/auth/logout").send().await.unwrap();
    assert_eq!(out.status(), StatusCode::NO_CONTENT);
    tokio::time::sleep(PROMISED).await;
    // Nobody else is left to refuse it: an edge that did not know would say that the core is away.
    system.core.kill();
    let me = account.request(&system, Method::GET, "/api/v1/me").send().await.unwrap();
    problem(me, 401, "invalid-token").await;
}
