//! What a route makes of requests and answers.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use crate::fixture::edge::{Edge, echoed, header, problem};

pub async fn versions_are_negotiated(edge: Edge) {
    let ask = |version: &'static str| edge.request(Method::GET, "/things").header("api-version", version).send();
    assert_eq!(echoed(edge.get("/things").await).await["method"], "GET");
    assert_eq!(echoed(ask("2").await.unwrap()).await["method"], "GET");
    assert_eq!(echoed(ask("1").await.unwrap()).await["verb"], "GET");
    let told = problem(ask("3").await.unwrap(), 400, "unsupported-version").await;
    assert_eq!(told["detail"], "Versions that can be used here: 1, 2.");
}

pub async fn an_old_version_is_served_by_transformation(edge: Edge) {
    let post = edge.request(Method::POST, "/things").header("api-version", "1").json(&json!({ "name": "a", "n": 1 }));
    let answer = post.send().await.unwrap();
    assert_eq!(header(&answer, "deprecation"), Some("@1688169599"));
    assert_eq!(header(&answer, "sunset"), Some("Sun, 30 Jun 2030 23:59:59 GMT"));
    assert_eq!(header(&answer, "x-made"), Some("1"));
    assert!(header(&answer, "vary").unwrap().contains("api-version"));
    let told = echoed(answer).await;
    assert_eq!(
        (&told["verb"], &told["headers"]["x-tenant"], &told["method"]),
        (&json!("POST"), &json!("a"), &Value::Null)
    );
    let body = told["body"].as_str().unwrap();
    assert_eq!(serde_json::from_str::<Value>(body).unwrap(), json!({ "title": "a", "n": 1 }));
    assert_eq!(told["headers"]["content-length"], body.len().to_string());
    // The same address in its newest version is passed as it is.
    let answer = edge.request(Method::POST, "/things").body("{not even JSON").send().await.unwrap();
    assert_eq!(header(&answer, "deprecation"), None);
    assert_eq!(echoed(answer).await["body"], "{not even JSON");
}

pub async fn a_body_that_is_no_json_is_refused(edge: Edge) {
    let post = |body: Vec<u8>| {
        let request = edge.request(Method::POST, "/things").header("api-version", "1");
        request.header("content-type", "application/json").body(body).send()
    };
    problem(post(b"{".to_vec()).await.unwrap(), 400, "malformed-json").await;
    problem(post(vec![b' '; 300 * 1024]).await.unwrap(), 413, "payload-too-large").await;
    assert!(edge.core.asked("/echo/things").is_empty());
}

pub async fn a_request_is_mirrored(edge: Edge) {
    let told = echoed(edge.request(Method::POST, "/mirrored/a").body("hello").send().await.unwrap()).await;
    assert_eq!(told["body"], "hello");
    let start = Instant::now();
    let asked = loop {
        let asked = edge.core.asked("/mirrored/a");
        if asked.len() == 2 {
            break asked;
        }
        assert!(start.elapsed() < Duration::from_secs(10), "{} of 2", asked.len());
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let copies: Vec<_> = asked.iter().filter(|asked| asked.headers.contains_key("breakwater-mirror")).collect();
    assert_eq!(copies.len(), 1);
    assert_eq!(copies[0].headers["content-length"], "5");
}

pub async fn a_canary_gets_its_part(edge: Edge) {
    // All of it: the canary is the core under its own address, whom nobody tells that an edge asks.
    let origin = edge.core.url();
    edge.core.publish(|snapshot| snapshot["upstreams"]["mirror"] = json!({ "origin": origin }));
    edge.until("/canary/a", |answer| answer.status() == 403).await;
    let asked = edge.core.asked("/canary/a");
    assert!(!asked.is_empty() && asked.iter().all(|asked| !asked.headers.contains_key("breakwater-edge")));
}

pub async fn a_route_has_a_cors_rule_of_its_own(edge: Edge) {
    let from = |method: Method| edge.request(method, "/open").header("origin", "https://any.example");
    let answer = from(Method::GET).send().await.unwrap();
    assert_eq!(header(&answer, "access-control-allow-origin"), Some("*"));
    let answer = from(Method::OPTIONS).header("access-control-request-method", "GET").send().await.unwrap();
    assert_eq!((answer.status().as_u16(), header(&answer, "access-control-allow-methods")), (204, Some("GET")));
}
