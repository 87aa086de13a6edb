//! One core, edges of both kinds: what is done through one is seen through the other.

use breakwater_tests::api::{Account, created};
use breakwater_tests::postgres::Cluster;
use breakwater_tests::system::System;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

use crate::fixture::edge::{header, problem, redis_url};
use crate::spin::Gateway;

#[tokio::test(flavor = "multi_thread")]
async fn the_gateway_under_spin_stands_before_the_real_core() {
    let cluster = Cluster::start_new();
    let system = System::start(&cluster.url()).await;
    let account = Account::new(&system, "lin@example.com").await;

    let (core, key, redis) = (system.core_url(), System::edge_key(), redis_url());
    let gateway =
        Gateway::start(&[("core_url", core.as_str()), ("edge_key", key.as_str()), ("redis_url", redis.as_str())]).await;
    let url = |path: &str| format!("http://{}{path}", gateway.address);
    let ask = |method: Method, path: &str| -> RequestBuilder {
        system.http.request(method, url(path)).bearer_auth(&account.access_token)
    };

    let me = ask(Method::GET, "/api/v1/me").send().await.unwrap();
    assert_eq!(me.status(), StatusCode::OK);
    assert!(header(&me, "ratelimit").is_some(), "{:?}", me.headers());
    assert_eq!(me.json::<Value>().await.unwrap()["email"], "lin@example.com");

    let made = ask(Method::POST, &account.documents()).json(&json!({ "data": { "n": 7 } })).send().await.unwrap();
    let document = created(made).await;
    let path = format!("{}/{}", account.documents(), document["id"].as_str().unwrap());
    let natively = account.request(&system, Method::GET, &path).send().await.unwrap();
    assert_eq!(natively.json::<Value>().await.unwrap()["data"], json!({ "n": 7 }));

    problem(system.http.get(url("/api/v1/me")).send().await.unwrap(), 401, "authentication-required").await;
    problem(ask(Method::GET, "/api/v1/nowhere").send().await.unwrap(), 404, "not-found").await;
    problem(ask(Method::PUT, "/api/v1/me").send().await.unwrap(), 405, "method-not-allowed").await;
    let wrong =
        ask(Method::POST, &account.documents()).json(&json!({ "data": { "n": "seven" } })).send().await.unwrap();
    problem(wrong, 422, "validation-failed").await;

    for open in ["/.well-known/jwks.json", "/api/openapi.json", "/api/docs"] {
        assert_eq!(system.http.get(url(open)).send().await.unwrap().status(), StatusCode::OK, "{open}");
    }
}
