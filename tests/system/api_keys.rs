//! API keys as programs meet them: through the front door.

use std::time::Duration;

use breakwater_tests::api::{Account, created};
use breakwater_tests::postgres::Cluster;
use breakwater_tests::system::System;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

use crate::fixture::edge::{header, problem};

/// The time in which every connected edge has to know.
const PROMISED: Duration = Duration::from_secs(1);

fn with_key(system: &System, key: &Value, method: Method, path: &str) -> RequestBuilder {
    system.http.request(method, system.url(path)).bearer_auth(key["key"].as_str().unwrap())
}

async fn made(system: &System, account: &Account, path: &str, body: Value) -> Value {
    created(account.request(system, Method::POST, path).json(&body).send().await.unwrap()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_account_writes_and_its_key_ends_at_the_edge_before_a_second_is_over() {
    let cluster = Cluster::start_new();
    let mut system = System::start(&cluster.url()).await;
    let account = Account::new(&system, "ada@example.com").await;
    let body = json!({ "name": "Import", "role": "editor" });
    let robot = made(&system, &account, &account.path("service-accounts"), body).await;
    let keys = account.path(&format!("service-accounts/{}/api-keys", robot["id"].as_str().unwrap()));
    let key = made(&system, &account, &keys, json!({ "name": "Nightly" })).await;

    let document = with_key(&system, &key, Method::POST, &account.documents()).json(&json!({ "data": { "n": 7 } }));
    let document = created(document.send().await.unwrap()).await;
    assert_eq!(document["created_by"], robot["id"]);
    let me = with_key(&system, &key, Method::GET, "/api/v1/me").send().await.unwrap();
    assert_eq!(me.status(), StatusCode::OK, "the edge remembers this key as good");
    assert!(header(&me, "ratelimit").is_some(), "a key has limits: {:?}", me.headers());
    assert_eq!(me.json::<Value>().await.unwrap()["name"], "Import");
    let sessions = with_key(&system, &key, Method::GET, "/api/v1/auth/sessions").send().await.unwrap();
    problem(sessions, 403, "session-required").await;

    let ended = format!("{keys}/{}", key["id"].as_str().unwrap());
    let ended = account.request(&system, Method::DELETE, &ended).send().await.unwrap();
    assert_eq!(ended.status(), StatusCode::NO_CONTENT);
    tokio::time::sleep(PROMISED).await;
    // Nobody else is left to refuse it: an edge that did not know would say that the core is away.
    system.core.kill();
    let refused = with_key(&system, &key, Method::GET, "/api/v1/me").send().await.unwrap();
    problem(refused, 401, "invalid-token").await;
}

/// Another upstream trusts the edge: what a key allows there ends with the key.
#[tokio::test(flavor = "multi_thread")]
async fn a_route_to_another_upstream_takes_keys_by_what_they_allow() {
    let cluster = Cluster::start_new();
    let system = System::start(&cluster.url()).await;
    let account = Account::new(&system, "ada@example.com").await;
    let reader = json!({ "name": "Reader", "permissions": ["documents:read"] });
    let reader = made(&system, &account, "/api/v1/me/api-keys", reader).await;
    let other = json!({ "name": "Other", "permissions": ["audit:read"] });
    let other = made(&system, &account, "/api/v1/me/api-keys", other).await;
    let elsewhere = json!({ "name": "Elsewhere", "addresses": ["203.0.113.0/24"] });
    let elsewhere = made(&system, &account, "/api/v1/me/api-keys", elsewhere).await;
    // The core itself stands for another service: its health needs no edge.
    system.declare(&format!(
        r#"
        [upstreams.other]
        origin = "{}"

        [[limits]]
        name = "by-key"
        by = "key"
        quota = 1
        window_seconds = 3600
        burst = 3

        [[routes]]
        id = "other"
        methods = ["GET"]
        path = "/other"
        authentication = "required"
        scopes = ["documents:read"]
        upstream = "other"
        rewrite = "/healthz"
        limits = ["by-key"]
        "#,
        system.core_url()
    ));
    let ask = |key: &Value| with_key(&system, key, Method::GET, "/other").send();
    while ask(&other).await.unwrap().status() == StatusCode::NOT_FOUND {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    problem(ask(&other).await.unwrap(), 403, "insufficient-scope").await;
    problem(ask(&elsewhere).await.unwrap(), 401, "invalid-token").await;
    for _ in 0..3 {
        assert_eq!(ask(&reader).await.unwrap().status(), StatusCode::OK);
    }
    problem(ask(&reader).await.unwrap(), 429, "rate-limited").await;
}
