//! Only edges get in.

use crate::support::{EDGE_KEY, EdgeKey, TestApp, settings};

const PATH: &str = "/.well-known/jwks.json?a=b";
const ADDRESS: &str = "192.0.2.1";
const ID: &str = "request-1";

async fn status_with(app: &TestApp, link: &str) -> u16 {
    let call = app.get(PATH).unlinked().header("x-forwarded-for", ADDRESS).header("x-request-id", ID);
    let answer = call.header("breakwater-edge", link).send().await;
    let status = answer.status.as_u16();
    if status != 200 {
        answer.problem(403, "edge-required");
    }
    status
}

#[tokio::test]
async fn a_request_without_a_valid_signature_is_refused() {
    let app = TestApp::start().await;
    let good = EDGE_KEY.sign(0, "GET", PATH, ADDRESS, ID);
    assert_eq!(status_with(&app, &good).await, 200);
    app.get(PATH).unlinked().send().await.problem(403, "edge-required");
    let stranger = EdgeKey { id: "edge-1", secret: [8; 32] };
    let unknown = EdgeKey { id: "edge-2", secret: [7; 32] };
    for wrong in [
        stranger.sign(0, "GET", PATH, ADDRESS, ID),
        unknown.sign(0, "GET", PATH, ADDRESS, ID),
        EDGE_KEY.sign(-120, "GET", PATH, ADDRESS, ID),
        EDGE_KEY.sign(120, "GET", PATH, ADDRESS, ID),
        EDGE_KEY.sign(0, "POST", PATH, ADDRESS, ID),
        EDGE_KEY.sign(0, "GET", "/.well-known/jwks.json?a=c", ADDRESS, ID),
        EDGE_KEY.sign(0, "GET", PATH, "192.0.2.2", ID),
        EDGE_KEY.sign(0, "GET", PATH, ADDRESS, "request-2"),
        good.replace("v1 ", "v2 "),
        good.replace("mac=", "mac=A"),
        good.replace("time=", "time=-"),
        "v1 key=edge-1".to_owned(),
        "v1 ,,,".to_owned(),
        String::new(),
    ] {
        assert_eq!(status_with(&app, &wrong).await, 403, "{wrong}");
    }
}

#[tokio::test]
async fn a_minute_of_clock_difference_is_allowed() {
    let app = TestApp::start().await;
    for seconds in [-45, 45] {
        let link = EDGE_KEY.sign(seconds, "GET", PATH, ADDRESS, ID);
        assert_eq!(status_with(&app, &link).await, 200);
    }
}

#[tokio::test]
async fn health_checks_need_no_edge() {
    let app = TestApp::start().await;
    app.get("/healthz").unlinked().send().await.expect(200);
    app.get("/readyz").unlinked().send().await.expect(200);
    app.get("/healthz/").unlinked().send().await.problem(403, "edge-required");
    app.get("/unknown").unlinked().send().await.problem(403, "edge-required");
}

#[tokio::test]
async fn keys_are_replaced_without_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys");
    let (old, new) = (EdgeKey { id: "old", secret: [1; 32] }, EdgeKey { id: "new", secret: [2; 32] });
    let write = |keys: &[EdgeKey]| {
        let lines: Vec<_> = keys.iter().map(EdgeKey::text).collect();
        std::fs::write(&file, format!("# edges\n{}\n", lines.join("\n"))).unwrap();
    };
    write(&[old]);
    let app = TestApp::start_with(settings([("EDGE__KEYS_FILE", file.to_str().unwrap())])).await;
    let status = async |key: &EdgeKey| status_with(&app, &key.sign(0, "GET", PATH, ADDRESS, ID)).await;
    assert_eq!((status(&old).await, status(&new).await), (200, 403));
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    write(&[old, new]);
    assert_eq!((status(&old).await, status(&new).await), (200, 200));
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    write(&[new]);
    assert_eq!((status(&old).await, status(&new).await), (403, 200));
    // What cannot be read changes nothing.
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    std::fs::write(&file, "half a ke").unwrap();
    assert_eq!(status(&new).await, 200);
}
