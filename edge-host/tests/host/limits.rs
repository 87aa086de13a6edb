//! Requests that are too large or too slow.

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::stream;

use crate::support::wire::Wire;
use crate::support::{Core, Edge, client, problem};

#[tokio::test(flavor = "multi_thread")]
async fn bodies_have_a_limit() {
    let core = Core::start().await;
    let edge = Edge::start(&core).await;
    let post = |body: Vec<u8>| client().post(edge.url("/small/upload")).body(body).send();
    assert_eq!(post(vec![b'x'; 1000]).await.unwrap().text().await.unwrap(), "1000");
    problem(post(vec![b'x'; 1001]).await.unwrap(), 413, "payload-too-large").await;
    assert_eq!(core.count(), 1, "a body that says its length is refused before anyone is asked");

    // Without a length, it is noticed on the way.
    let pieces = stream::iter((0..3).map(|_| Ok::<_, std::io::Error>(Bytes::from_static(&[b'x'; 500]))));
    let streamed = client().post(edge.url("/small/upload")).body(reqwest::Body::wrap_stream(pieces)).send().await;
    problem(streamed.unwrap(), 413, "payload-too-large").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_have_limits() {
    let core = Core::start().await;
    let edge = Edge::start(&core).await;
    let long = "x".repeat(9000);
    problem(client().get(edge.url(&format!("/{long}"))).send().await.unwrap(), 414, "uri-too-long").await;
    let mut large = client().get(edge.url("/hello"));
    for index in 0..4 {
        large = large.header(format!("x-{index}"), &long);
    }
    problem(large.send().await.unwrap(), 431, "headers-too-large").await;
    let mut many = client().get(edge.url("/hello"));
    for index in 0..96 {
        many = many.header(format!("x-{index}"), "1");
    }
    problem(many.send().await.unwrap(), 431, "headers-too-large").await;

    // Far beyond, nobody reads to the end.
    let mut wire = Wire::to(edge.address).await;
    wire.send(&format!("GET / HTTP/1.1\r\nhost: a\r\nx: {}\r\n\r\n", "x".repeat(100_000))).await;
    assert!(wire.rest().await.starts_with("HTTP/1.1 431"));
    assert_eq!(core.count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_that_make_no_sense_are_refused() {
    let core = Core::start().await;
    let edge = Edge::start(&core).await;
    #[rustfmt::skip]
    let cases = [
        ("GET /x HTTP/1.1\r\n\r\n", 400),
        ("GET /x HTTP/1.1\r\nhost: a\r\nhost: a\r\n\r\n", 400),
        ("GET /x HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n", 400),
        ("GET http://b/x HTTP/1.1\r\nhost: a\r\n\r\n", 400),
        ("GET /x HTTP/1.1\r\nhost: me@a\r\n\r\n", 400),
        ("TRACE /x HTTP/1.1\r\nhost: a\r\n\r\n", 405),
        ("CONNECT a:80 HTTP/1.1\r\nhost: a:80\r\n\r\n", 405),
        ("OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n", 400),
        ("GET /x HTTP/1.1\r\nhost: a\r\nbad header\r\n\r\n", 400),
        ("GET /x\r\n\r\n", 400),
        ("POST /x HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxy", 400),
        ("POST /x HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n", 400),
    ];
    for (request, status) in cases {
        let mut wire = Wire::to(edge.address).await;
        wire.send(request).await;
        let answer = wire.until("\r\n\r\n").await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{request:?}: {answer}");
    }
    assert_eq!(core.count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn length_and_chunks_together_do_not_smuggle() {
    let core = Core::start().await;
    let edge = Edge::start(&core).await;
    let mut wire = Wire::to(edge.address).await;
    let smuggled = "GET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n";
    wire.send(&format!(
        "POST /upload HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n{smuggled}",
        5 + smuggled.len(),
    ))
    .await;
    wire.until("\r\n\r\n").await;
    let seen = core.shared.seen.lock().unwrap().clone();
    for request in seen {
        let both = request.headers.contains_key("content-length") && request.headers.contains_key("transfer-encoding");
        assert!(!both, "what the core gets has one framing");
        assert!(request.path_and_query != "/upload" || !request.headers.contains_key("content-length"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_say_nothing_are_sent_away() {
    let core = Core::start().await;
    let edge = Edge::before(&core).with(&["--header-timeout", "0.5"]).start().await;
    // Not a byte; half a head; half a preface; and a connection that has nothing more to say.
    for begin in ["", "GET / HTTP/1.1\r\nhost: a\r\nx-slow:", "PRI * HTTP/2", "GET /hello HTTP/1.1\r\nhost: a\r\n\r\n"]
    {
        let mut wire = Wire::to(edge.address).await;
        wire.send(begin).await;
        let since = Instant::now();
        wire.rest().await;
        assert!((400..5000).contains(&since.elapsed().as_millis()), "{begin:?}: {:?}", since.elapsed());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_does_not_come_is_a_408() {
    let core = Core::start().await;
    let edge = Edge::start(&core).await;
    let mut wire = Wire::to(edge.address).await;
    wire.send("POST /quick/upload HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nhalf").await;
    let answer = wire.until("urn:breakwater:problem:request-timeout").await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_body_that_moves_is_no_slow_body() {
    let core = Core::start().await;
    let edge = Edge::start(&core).await;
    let mut wire = Wire::to(edge.address).await;
    wire.send("POST /quick/upload HTTP/1.1\r\nhost: a\r\ncontent-length: 8\r\n\r\n").await;
    for _ in 0..8 {
        tokio::time::sleep(Duration::from_millis(150)).await;
        wire.send("x").await;
    }
    assert!(wire.until("\r\n\r\n8").await.contains("200 OK"), "1.2 s in all, but never 500 ms of nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_takes_nothing_is_sent_away() {
    let core = Core::start().await;
    let edge = Edge::before(&core).with(&["--write-timeout", "0.5"]).start().await;
    let mut wire = Wire::to(edge.address).await;
    wire.send("GET /large/bytes?100000000 HTTP/1.1\r\nhost: a\r\n\r\n").await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    // What is left in the sockets' buffers comes, and then the end, long before 100 MB.
    assert!(wire.rest().await.len() < 50_000_000);
}
