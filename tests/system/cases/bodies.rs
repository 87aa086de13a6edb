//! Bodies, both ways.

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};
use reqwest::{Body, Method, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::fixture::edge::{Edge, echoed, problem};
use crate::fixture::snapshot::MAX_BODY;

const CHUNK: usize = 64 * 1024;

fn chunk(number: usize) -> Bytes {
    Bytes::from(vec![(number % 251) as u8; CHUNK])
}

fn chunks(count: usize, pause: Duration) -> impl Stream<Item = std::io::Result<Bytes>> + Send {
    stream::unfold(0, move |number| async move {
        if number == count {
            return None;
        }
        tokio::time::sleep(pause).await;
        Some((Ok(chunk(number)), number + 1))
    })
}

fn digest(count: usize) -> Value {
    let mut hash = Sha256::new();
    for number in 0..count {
        hash.update(chunk(number));
    }
    let text: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    json!({ "length": count * CHUNK, "sha256": text })
}

pub async fn a_body_arrives_as_it_was_sent(edge: Edge) {
    let told = echoed(edge.request(Method::POST, "/echo/a").body("a small one").send().await.unwrap()).await;
    assert_eq!((&told["body"], &told["headers"]["content-length"]), (&json!("a small one"), &json!("11")));
    let told = echoed(edge.request(Method::POST, "/echo/a").body("").send().await.unwrap()).await;
    assert_eq!(told["body"], "");

    let large: Vec<u8> = (0..128).flat_map(|number| chunk(number).to_vec()).collect();
    let answer = edge.request(Method::PUT, "/digest").body(large).send().await.unwrap();
    assert_eq!(echoed(answer).await, digest(128));
}

pub async fn a_body_without_length_arrives(edge: Edge) {
    for (count, pause) in [(0, 0), (1, 0), (40, 0), (5, 50)] {
        let body = Body::wrap_stream(chunks(count, Duration::from_millis(pause)));
        let answer = edge.request(Method::POST, "/digest").body(body).send().await.unwrap();
        assert_eq!(echoed(answer).await, digest(count), "{count} chunks");
    }
}

pub async fn a_body_that_is_too_large_is_refused(edge: Edge) {
    let answer = edge.request(Method::POST, "/echo/a").body(vec![0; MAX_BODY]).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    // Said beforehand, it is refused before any of it is read.
    let answer = edge.request(Method::POST, "/echo/a").body(vec![0; MAX_BODY + 1]).send().await.unwrap();
    problem(answer, 413, "payload-too-large").await;
    assert_eq!(edge.core.asked("/echo/a").len(), 1);
}

pub async fn a_body_that_grows_too_large_is_refused(edge: Edge) {
    let body = Body::wrap_stream(chunks(MAX_BODY / CHUNK + 1, Duration::from_millis(5)));
    let answer = edge.request(Method::POST, "/echo/a").body(body).send().await.unwrap();
    problem(answer, 413, "payload-too-large").await;
    // The connection, and the one to the core, are good for what comes next.
    assert_eq!(edge.get("/echo/b").await.status(), StatusCode::OK);
}

pub async fn an_answer_is_streamed(edge: Edge) {
    let start = Instant::now();
    let mut answer = edge.get("/stream?chunks=8&pause_ms=100").await;
    let mut length = answer.chunk().await.unwrap().unwrap().len();
    let first = start.elapsed();
    while let Some(chunk) = answer.chunk().await.unwrap() {
        length += chunk.len();
    }
    assert_eq!(length, 8 * CHUNK);
    // Held whole, the first piece would come with the last.
    assert!(first < start.elapsed() - Duration::from_millis(300), "the first after {first:?}");

    let large = edge.get("/stream?chunks=512").await.bytes().await.unwrap();
    assert_eq!(large.len(), 512 * CHUNK);
}

pub async fn an_answer_that_breaks_off_breaks_off(edge: Edge) {
    let answer = edge.get("/broken").await;
    assert_eq!(answer.status(), StatusCode::OK);
    answer.bytes().await.unwrap_err();
}

pub async fn an_upstream_may_answer_before_the_body_ends(edge: Edge) {
    let start = Instant::now();
    let body = Body::wrap_stream(chunks(3, Duration::from_millis(200)));
    let answer = edge.request(Method::POST, "/early").body(body).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::CONFLICT);
    assert!(start.elapsed() < Duration::from_secs(5));
}

pub async fn a_delete_needs_no_body(edge: Edge) {
    let told = echoed(edge.request(Method::DELETE, "/echo/a").send().await.unwrap()).await;
    assert_eq!((&told["method"], &told["body"]), (&json!("DELETE"), &json!("")));
    let headers = told["headers"].as_object().unwrap();
    assert!(!headers.contains_key("transfer-encoding"), "{headers:?}");
}

pub async fn a_body_that_stands_still_is_given_up(edge: Edge) {
    let start = Instant::now();
    let body = Body::wrap_stream(stream::once(async { Ok::<_, std::io::Error>(chunk(1)) }).chain(stream::pending()));
    let request = edge.request(Method::POST, "/echo/a").header("content-length", 2 * CHUNK).body(body);
    problem(request.send().await.unwrap(), 408, "request-timeout").await;
    // The route's bodies may stand still for two seconds.
    assert!(start.elapsed() >= Duration::from_secs(2) && start.elapsed() < Duration::from_secs(6));
    assert_eq!(edge.get("/echo/b").await.status(), StatusCode::OK);
}
