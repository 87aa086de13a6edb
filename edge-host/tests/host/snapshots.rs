//! The snapshot: followed, verified, and the last good one kept.

use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::json;

use crate::support::edge::eventually;
use crate::support::{Core, Edge, KEY, client, problem, snapshot};

#[tokio::test(flavor = "multi_thread")]
async fn before_the_first_nothing_is_served() {
    let core = Core::start().await;
    *core.shared.key.lock().unwrap() = KEY.replace("k1.A", "k1.B");
    let edge = Edge::before(&core).not_ready().start().await;
    assert_eq!(client().get(edge.url("/healthz")).send().await.unwrap().status(), 200);
    let response = client().get(edge.url("/readyz")).send().await.unwrap();
    assert_eq!(response.headers()["retry-after"], "1");
    problem(response, 503, "not-ready").await;
    problem(client().get(edge.url("/hello")).send().await.unwrap(), 503, "not-ready").await;

    // The same core with the right key.
    *core.shared.key.lock().unwrap() = KEY.to_owned();
    eventually("it is ready", async || client().get(edge.url("/readyz")).send().await.unwrap().status() == 200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_one_reaches_every_worker() {
    let core = Core::start().await;
    let edge = Edge::start(&core).await;
    let mut document = snapshot::document("2");
    let routes = document["routing"]["routes"].as_array_mut().unwrap();
    routes.retain(|route| route["id"] != "any");
    core.publish(&document);
    eventually("the route is gone everywhere", async || {
        // A new connection each, so that both workers are asked.
        for _ in 0..10 {
            if client().get(edge.url("/hello")).send().await.unwrap().status() != 404 {
                return false;
            }
        }
        true
    })
    .await;
    assert_eq!(core.shared.counters.snapshots.load(Ordering::SeqCst), 2, "what is known is not sent again");
    eventually("it is asked for again", async || core.shared.counters.not_modified.load(Ordering::SeqCst) >= 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_keeps_the_last_good_one_as_a_whole() {
    let core = Core::start().await;
    let edge = Edge::start(&core).await;

    // A good routing section beside a bad one of another policy: neither may be applied.
    let mut half = snapshot::document("half");
    half["routing"]["routes"] = json!([]);
    half["rate_limiting"] = json!({"limits": "none"});
    let mut schema = snapshot::document("schema");
    schema["schema"] = json!("breakwater-edge-snapshot/2");
    let mut missing = snapshot::document("missing");
    missing.as_object_mut().unwrap().remove("authentication");
    let mut origin = snapshot::document("origin");
    origin["upstreams"]["elsewhere"]["origin"] = json!("http://host/path");
    let whole = serde_json::to_vec(&snapshot::document("cut")).unwrap();

    let cases = [
        ("not JSON", b"\xff\x00garbage".to_vec()),
        ("cut short", whole[..whole.len() / 2].to_vec()),
        ("empty", Vec::new()),
        ("one bad section", serde_json::to_vec(&half).unwrap()),
        ("another schema", serde_json::to_vec(&schema).unwrap()),
        ("a section missing", serde_json::to_vec(&missing).unwrap()),
        ("a bad origin", serde_json::to_vec(&origin).unwrap()),
    ];
    for (index, (name, bytes)) in cases.into_iter().enumerate() {
        let asked = core.shared.counters.snapshots.load(Ordering::SeqCst);
        core.publish_bytes(&format!("bad-{index}"), bytes);
        eventually(name, async || core.shared.counters.snapshots.load(Ordering::SeqCst) > asked).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        for _ in 0..4 {
            assert_eq!(client().get(edge.url("/hello")).send().await.unwrap().status(), 200, "{name}");
        }
    }

    let mut good = snapshot::document("good");
    good["routing"]["routes"] = json!([snapshot::route("only", "/only")]);
    core.publish(&good);
    eventually("a good one is taken again", async || {
        client().get(edge.url("/hello")).send().await.unwrap().status() == 404
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_not_signed_by_the_core_is_refused() {
    let core = Core::start().await;
    let edge = Edge::start(&core).await;
    *core.shared.key.lock().unwrap() = KEY.replace("k1.A", "k1.B");
    let mut document = snapshot::document("2");
    document["routing"]["routes"] = json!([]);
    core.publish(&document);
    eventually("it is refused", async || !edge.logged("carries no signature").is_empty()).await;
    assert_eq!(client().get(edge.url("/hello")).send().await.unwrap().status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_exchanged_without_a_gap() {
    let core = Core::start().await;
    let other = "k2.AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE";
    // The edge signs with the first of its keys and takes the core's word with any.
    let edge = Edge::before(&core).environment("SPIN_VARIABLE_EDGE_KEY", &format!("{KEY},{other}")).start().await;
    *core.shared.key.lock().unwrap() = other.to_owned();
    core.publish(&snapshot::document("2"));
    eventually("signed with the second key", async || !edge.logged("\"version\":\"2\"").is_empty()).await;
}
