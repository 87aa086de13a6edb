//! Components, manifest and certificates that change while the edge serves.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::json;

use crate::support::edge::eventually;
use crate::support::wire::Wire;
use crate::support::{Core, Edge, client, snapshot};

/// Clients that never stop asking, and what they were answered.
struct Load {
    answered: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    clients: Vec<tokio::task::JoinHandle<()>>,
}

impl Load {
    fn on(edge: &Edge) -> Self {
        let (answered, stop) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let ask = |address, answered: Arc<AtomicUsize>, stop: Arc<AtomicBool>| async move {
            let mut wire = Wire::to(address).await;
            while !stop.load(Ordering::SeqCst) {
                wire.send("GET /sleep?5 HTTP/1.1\r\nhost: a\r\n\r\n").await;
                let answer = wire.until("slept").await;
                assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
                answered.fetch_add(1, Ordering::SeqCst);
            }
        };
        let clients = (0..16).map(|_| tokio::spawn(ask(edge.address, answered.clone(), stop.clone()))).collect();
        Self { answered, stop, clients }
    }

    /// Until so many more were answered.
    async fn goes_on(&self) {
        let wanted = self.answered.load(Ordering::SeqCst) + 100;
        eventually("requests are answered", async || self.answered.load(Ordering::SeqCst) >= wanted).await;
    }

    /// How many were answered; every one as it should be.
    async fn end(self) -> usize {
        self.stop.store(true, Ordering::SeqCst);
        for client in self.clients {
            client.await.expect("every request is answered");
        }
        self.answered.load(Ordering::SeqCst)
    }
}

async fn status(edge: &Edge, path: &str) -> u16 {
    client().get(edge.url(path)).send().await.unwrap().status().as_u16()
}

fn write(path: &PathBuf, bytes: impl AsRef<[u8]>) {
    // As an installer does it: the file is whole whenever somebody looks.
    let next = path.with_extension("next");
    std::fs::write(&next, bytes).unwrap();
    std::fs::rename(next, path).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_is_exchanged_under_load() {
    let core = Core::start().await;
    let edge = Edge::before(&core).own_components().start().await;
    let router = edge.component("router");
    let (good, hostile) =
        (std::fs::read(&router).unwrap(), std::fs::read(edge.component("test/hostile-router")).unwrap());
    let load = Load::on(&edge);
    load.goes_on().await;
    assert_eq!(status(&edge, "/trap").await, 200);

    // The new one answers for new requests, with the snapshot that the old one had.
    write(&router, hostile);
    eventually("the new router answers", async || status(&edge, "/trap").await == 500).await;
    load.goes_on().await;
    // And takes the next.
    core.publish(&snapshot::document("2"));
    eventually("the snapshot is there", async || !edge.logged("\"version\":\"2\"").is_empty()).await;
    load.goes_on().await;

    // What is no component changes nothing, and is told with its name.
    write(&router, b"\0asm and no more");
    eventually("it is told", async || edge.logged("cannot be used").iter().any(|line| line.contains("router.wasm")))
        .await;
    assert_eq!(status(&edge, "/trap").await, 500);
    load.goes_on().await;

    write(&router, good);
    eventually("the old router is back", async || status(&edge, "/trap").await == 200).await;
    load.goes_on().await;
    assert!(load.end().await >= 500);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_that_refuses_the_snapshot_is_refused() {
    let core = Core::start().await;
    let edge = Edge::before(&core).own_components().start().await;
    let mut document = snapshot::document("2");
    // Our router passes over what it does not know; the hostile one traps.
    document["routing"]["trap"] = json!(true);
    core.publish(&document);
    eventually("the snapshot is there", async || !edge.logged("\"version\":\"2\"").is_empty()).await;
    let router = edge.component("cache");
    // A component that answers for another interface.
    let other = std::fs::read(edge.component("router")).unwrap();
    write(&router, other);
    eventually("it is told", async || !edge.logged("goes on with what it has").is_empty()).await;
    assert_eq!(status(&edge, "/hello").await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_manifest_is_read_again() {
    let core = Core::start().await;
    let edge = Edge::start(&core).await;
    let manifest = edge.manifest();
    let good = std::fs::read_to_string(&manifest).unwrap();
    let load = Load::on(&edge);
    // 127.0.0.2:9 is in the snapshot, and not among what may be reached: the edge does not try.
    assert_eq!(status(&edge, "/elsewhere/x").await, 500);
    write(&manifest, good.replace("allowed_outbound_hosts = [", "allowed_outbound_hosts = [\"http://127.0.0.2:9\", "));
    eventually("it may be reached", async || status(&edge, "/elsewhere/x").await == 503).await;
    write(&manifest, good.replace("spin_manifest_version = 2", "spin_manifest_version = 3"));
    eventually("the mistake is told", async || {
        edge.logged("cannot be used").iter().any(|line| line.contains("version 2"))
    })
    .await;
    assert_eq!(status(&edge, "/elsewhere/x").await, 503);
    load.goes_on().await;
    write(&manifest, &good);
    eventually("it may not be reached", async || status(&edge, "/elsewhere/x").await == 500).await;
    load.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_has_everything_read_again() {
    let core = Core::start().await;
    let edge = Edge::start(&core).await;
    let load = Load::on(&edge);
    load.goes_on().await;
    edge.hang_up();
    eventually("it is told", async || !edge.logged("serves with what has changed").is_empty()).await;
    load.goes_on().await;
    load.end().await;
}
