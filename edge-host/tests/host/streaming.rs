//! Bodies go through at once, both ways, without being held.

use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};

use crate::support::edge::eventually;
use crate::support::wire::Wire;
use crate::support::{Core, Edge, client};

const MEGABYTE: usize = 1024 * 1024;
const GIGABYTE: usize = 1024 * MEGABYTE;

/// The bodies below are 200 MiB and 1 GiB. Buffers and what the allocator keeps to itself come to some 8 MB in a debug build.
const NOT_HELD: usize = 32 * MEGABYTE;

#[tokio::test(flavor = "multi_thread")]
async fn an_event_arrives_before_the_next_is_sent() {
    let core = Core::start().await;
    let edge = Edge::start(&core).await;
    // The client would take something compressed, too.
    let request = client().get(edge.url("/events")).header("accept-encoding", "gzip, br, zstd");
    let response = request.send().await.unwrap();
    assert!(!response.headers().contains_key("content-encoding"));
    let mut chunks = response.bytes_stream();
    for index in 0..10 {
        core.shared.events.add_permits(1);
        assert_eq!(chunks.next().await.unwrap().unwrap(), format!("data: {index}\n\n"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_directions_at_once() {
    let core = Core::start().await;
    let edge = Edge::start(&core).await;
    let (sender, receiver) = tokio::sync::mpsc::channel::<Result<Bytes, std::io::Error>>(1);
    let body = stream::unfold(receiver, async |mut receiver| receiver.recv().await.map(|item| (item, receiver)));
    let request = client().post(edge.url("/large/echo")).body(reqwest::Body::wrap_stream(body)).send();
    sender.send(Ok("first".into())).await.unwrap();
    let mut answer = request.await.unwrap().bytes_stream();
    assert_eq!(answer.next().await.unwrap().unwrap(), "first");
    sender.send(Ok("second".into())).await.unwrap();
    assert_eq!(answer.next().await.unwrap().unwrap(), "second");
    drop(sender);
    assert!(answer.next().await.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn large_bodies_are_not_held() {
    let core = Core::start().await;
    let edge = Edge::start(&core).await;
    client().get(edge.url("/hello")).send().await.unwrap();
    let before = edge.resident();

    let chunk = Bytes::from(vec![b'x'; MEGABYTE]);
    let body = stream::iter((0..1024).map(move |_| Ok::<_, std::io::Error>(chunk.clone())));
    let upload = client().post(edge.url("/large/upload")).body(reqwest::Body::wrap_stream(body)).send().await.unwrap();
    assert_eq!(upload.text().await.unwrap(), GIGABYTE.to_string());

    let response = client().get(edge.url(&format!("/large/bytes?{}", GIGABYTE))).send().await.unwrap();
    let mut chunks = response.bytes_stream();
    let mut count = 0;
    while let Some(chunk) = chunks.next().await {
        count += chunk.unwrap().len();
    }
    assert_eq!(count, GIGABYTE);
    let grown = edge.resident().saturating_sub(before);
    assert!(grown < NOT_HELD, "grown by {grown} bytes for 2 GiB of bodies");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_reads_slowly_slows_the_upstream_down() {
    let core = Core::start().await;
    let edge = Edge::start(&core).await;
    let mut wire = Wire::to(edge.address).await;
    let before = edge.resident();
    wire.send(&format!("GET /large/bytes?{} HTTP/1.1\r\nhost: a\r\n\r\n", 200 * MEGABYTE)).await;
    wire.until("200 OK").await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let grown = edge.resident().saturating_sub(before);
    assert!(grown < NOT_HELD, "grown by {grown} bytes while the client reads nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_takes_its_request_along() {
    let core = Core::start().await;
    let edge = Edge::start(&core).await;
    let mut wire = Wire::to(edge.address).await;
    wire.send("GET /sleep?30000 HTTP/1.1\r\nhost: a\r\n\r\n").await;
    eventually("the core has the request", async || core.count() == 1).await;
    drop(wire);
    eventually("the core's request is given up", async || core.shared.counters.cancelled.load(Ordering::SeqCst) == 1)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_client_is_told_to_go_on_only_if_its_body_is_wanted() {
    let core = Core::start().await;
    let edge = Edge::start(&core).await;
    let mut wire = Wire::to(edge.address).await;
    wire.send("POST /upload HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\n").await;
    wire.until("100 Continue").await;
    wire.send("hello").await;
    assert!(wire.until("\r\n\r\n5").await.contains("200 OK"));
    assert!(!core.last().headers.contains_key("expect"));

    let mut wire = Wire::to(edge.address).await;
    wire.send("POST /private/x HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\n").await;
    let answer = wire.until("urn:breakwater:problem:authentication-required").await;
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_may_come_before_the_body_has_gone() {
    let core = Core::start().await;
    let edge = Edge::start(&core).await;
    let mut wire = Wire::to(edge.address).await;
    wire.send("POST /large/early HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000\r\n\r\nonly the beginning").await;
    let answer = wire.until("early").await;
    assert!(answer.starts_with("HTTP/1.1 422"), "{answer}");
    // And the connection to the core that is left half-way is not used for another.
    for _ in 0..5 {
        assert_eq!(client().get(edge.url("/hello")).send().await.unwrap().status(), 200);
    }
}
