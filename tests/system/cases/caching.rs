//! What is answered from memory (RFC 9111). Every case has paths of its own, because edges share their memory.

use reqwest::{Method, StatusCode};

use crate::fixture::edge::{Edge, header};
use crate::fixture::snapshot::MAX_BODY;

/// A path that no other case has.
fn path(query: &str) -> String {
    format!("/kept/{}?{query}", uuid::Uuid::now_v7())
}

async fn body(edge: &Edge, path: &str, headers: &[(&str, &str)]) -> String {
    let mut request = edge.request(Method::GET, path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK, "{path}");
    answer.text().await.unwrap()
}

/// The edge keeps an answer after it has given it: its second answer may come too early.
async fn until_kept(edge: &Edge, path: &str) -> String {
    edge.until(path, |answer| answer.headers().contains_key("age")).await.text().await.unwrap()
}

pub async fn a_fresh_answer_is_not_asked_for_again(edge: Edge) {
    let path = path("control=max-age=60");
    let known = until_kept(&edge, &path).await;
    let asked = edge.core.asked(&path).len();
    for _ in 0..3 {
        let answer = edge.get(&path).await;
        assert!(header(&answer, "age").unwrap().parse::<u64>().unwrap() < 60);
        assert_eq!(answer.text().await.unwrap(), known);
    }
    let head = edge.request(Method::HEAD, &path).send().await.unwrap();
    assert_eq!(header(&head, "content-length").unwrap(), known.len().to_string());
    assert_eq!(edge.core.asked(&path).len(), asked);
}

pub async fn what_may_not_be_kept_is_asked_for_again(edge: Edge) {
    for control in ["control=no-store", "control=private", "control=max-age=0", "etag=%221%22"] {
        let path = path(control);
        let first = body(&edge, &path, &[]).await;
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        edge.get(&path).await;
        assert_eq!(edge.core.asked(&path).len(), 2, "{control}: {first}");
    }
    // What was for one caller is for nobody else.
    let path = path("control=max-age=60");
    body(&edge, &path, &[("authorization", "Bearer whoever")]).await;
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    body(&edge, &path, &[]).await;
    assert_eq!(edge.core.asked(&path).len(), 2);
}

pub async fn a_stale_answer_is_confirmed(edge: Edge) {
    let path = path("control=no-cache&etag=%221%22");
    let mut known = body(&edge, &path, &[]).await;
    // Kept without being fresh: the core is asked whether it still holds, and says 304. An answer is kept at leisure, so
    // the next request may come before it, and brings another one to keep.
    let start = std::time::Instant::now();
    loop {
        let next = body(&edge, &path, &[]).await;
        if next == known {
            break;
        }
        assert!(start.elapsed().as_secs() < 10, "never confirmed");
        known = next;
    }
    let last = edge.core.asked(&path).pop().unwrap();
    assert_eq!(last.headers["if-none-match"], "\"1\"");
}

pub async fn answers_that_vary_are_told_apart(edge: Edge) {
    let path = path("control=max-age=60&vary=accept-language");
    let mut known = Vec::new();
    for language in ["de", "en"] {
        let start = std::time::Instant::now();
        let first = loop {
            let one = body(&edge, &path, &[("accept-language", language)]).await;
            if one == body(&edge, &path, &[("accept-language", language)]).await {
                break one;
            }
            assert!(start.elapsed().as_secs() < 10, "{language} is never kept");
        };
        known.push(first);
    }
    assert_ne!(known[0], known[1]);
    assert_eq!(body(&edge, &path, &[("accept-language", "de")]).await, known[0]);
    assert_eq!(body(&edge, &path, &[("accept-language", "en")]).await, known[1]);
}

pub async fn a_client_that_knows_the_answer_gets_none(edge: Edge) {
    let path = path("control=max-age=60&etag=%22a%22");
    until_kept(&edge, &path).await;
    let asked = edge.core.asked(&path).len();
    let answer = edge.request(Method::GET, &path).header("if-none-match", "\"a\"").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::NOT_MODIFIED);
    assert_eq!(header(&answer, "etag"), Some("\"a\""));
    assert!(answer.bytes().await.unwrap().is_empty());
    assert_eq!(edge.core.asked(&path).len(), asked);
}

pub async fn an_answer_that_is_too_large_is_passed_and_not_kept(edge: Edge) {
    let bytes = MAX_BODY;
    let path = path(&format!("control=max-age=60&bytes={bytes}"));
    for _ in 0..2 {
        assert_eq!(body(&edge, &path, &[]).await.len(), bytes);
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!(edge.core.asked(&path).len(), 2);
}
