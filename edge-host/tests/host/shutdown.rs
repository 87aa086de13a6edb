//! Many clients, and an edge that stops among them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::support::wire::Wire;
use crate::support::{Core, Edge, client};

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_connections_at_once() {
    let core = Core::start().await;
    let edge = Edge::start(&core).await;
    let mut wires = Vec::new();
    for _ in 0..1000 {
        wires.push(Wire::to(edge.address).await);
    }
    // All have a request under way before the first is answered.
    for wire in &mut wires {
        wire.send("GET /sleep?1500 HTTP/1.1\r\nhost: a\r\n\r\n").await;
    }
    for wire in &mut wires {
        assert!(wire.until("slept").await.starts_with("HTTP/1.1 200"));
    }
    let resident = edge.resident() / 1024 / 1024;
    assert!(resident < 150, "{resident} MB");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_under_way_is_finished() {
    let core = Core::start().await;
    let edge = Edge::start(&core).await;
    let slow = tokio::spawn(client().get(edge.url("/sleep?1500")).send());
    let stream = client().get(edge.url("/ticks")).send().await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    edge.terminate();
    let slow = slow.await.unwrap().unwrap();
    assert_eq!((slow.status().as_u16(), slow.headers()["connection"].to_str().unwrap()), (200, "close"));
    assert!(stream.text().await.unwrap().ends_with("data: 9\n\n"));
    let address = edge.address;
    assert!(edge.ended().await.success());
    tokio::net::TcpStream::connect(address).await.unwrap_err();
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_ask_nothing_hold_nobody_up() {
    let core = Core::start().await;
    let edge = Edge::start(&core).await;
    let silent = Wire::to(edge.address).await;
    let mut served = Wire::to(edge.address).await;
    served.send("GET /hello HTTP/1.1\r\nhost: a\r\n\r\n").await;
    served.until("visit").await;
    let http2 = crate::support::client_builder().http2_prior_knowledge().build().unwrap();
    http2.get(edge.url("/hello")).send().await.unwrap();
    edge.terminate();
    let begin = Instant::now();
    assert!(edge.ended().await.success());
    assert!(begin.elapsed() < Duration::from_secs(8), "{:?}", begin.elapsed());
    drop((silent, served));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_finish_is_cut_off_in_time() {
    let core = Core::start().await;
    let edge = Edge::before(&core).with(&["--shutdown-timeout", "1"]).start().await;
    let slow = tokio::spawn(client().get(edge.url("/large/sleep?4000")).send());
    tokio::time::sleep(Duration::from_millis(200)).await;
    edge.terminate();
    let begin = Instant::now();
    assert!(edge.ended().await.success());
    assert!(begin.elapsed() < Duration::from_secs(3), "{:?}", begin.elapsed());
    slow.await.unwrap().unwrap_err();
}

#[tokio::test(flavor = "multi_thread")]
async fn under_load_no_request_is_lost() {
    let core = Core::start().await;
    let edge = Edge::start(&core).await;
    let (done, stopped) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let mut clients = Vec::new();
    for _ in 0..50 {
        let (done, stopped, address) = (done.clone(), stopped.clone(), edge.address);
        clients.push(tokio::spawn(async move {
            // A client that uses a connection until it is told to close it, then opens another.
            loop {
                let Ok(stream) = tokio::net::TcpStream::connect(address).await else {
                    assert!(stopped.load(Ordering::SeqCst), "refused before it was told to stop");
                    return;
                };
                let mut wire = Wire(stream);
                loop {
                    wire.send("GET /sleep?5 HTTP/1.1\r\nhost: a\r\n\r\n").await;
                    let answer = wire.until("slept").await;
                    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
                    done.fetch_add(1, Ordering::SeqCst);
                    if answer.contains("connection: close") {
                        break;
                    }
                }
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
            }
        }));
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    stopped.store(true, Ordering::SeqCst);
    edge.terminate();
    for client in clients {
        client.await.expect("no answer is missing");
    }
    assert!(edge.ended().await.success());
    assert_eq!(done.load(Ordering::SeqCst), core.count(), "every request that the core saw was answered");
    assert!(core.count() > 100, "a shutdown among nothing proves nothing: {}", core.count());
}
