//! What edges are told of keys.

use serde_json::{Value, json};

use super::of_user;
use crate::support::{Answer, TestApp};

async fn introspect(app: &TestApp, body: String) -> Answer {
    let call = app.post("/edge/v1/introspect").header("content-type", "application/x-www-form-urlencoded");
    call.body(body).send().await
}

async fn snapshot(app: &TestApp) -> Value {
    app.get("/edge/v1/snapshot").send().await.expect(200).json()
}

#[tokio::test]
async fn an_edge_is_told_whose_a_key_is() {
    let app = TestApp::start().await;
    let user = app.user().await;
    let narrow = json!({ "permissions": ["documents:read"], "addresses": ["192.0.2.0/24"] });
    let made = of_user(&app, &user, narrow).await;
    let told = introspect(&app, format!("token={}&address=192.0.2.9", made.key)).await.expect(200).json();
    assert_eq!((&told["active"], &told["sub"], &told["sid"]), (&json!(true), &json!(user.id), &json!(made.id)));
    assert_eq!(told["scope"], "workspace:read collections:read documents:read");
    assert_eq!(told["addresses"], json!(["192.0.2.0/24"]));
    let listed = app.get("/api/v1/me/api-keys").bearer(&user.access_token).send().await.json();
    assert_eq!(listed["items"][0]["last_used_from"], "192.0.2.9", "to ask about it is to use it");
    for nothing in ["token=bwk_x", &format!("token={}a", made.key), "token=", &format!("token={}", user.access_token)] {
        let told = introspect(&app, nothing.to_owned()).await.expect(200).json();
        assert_eq!(told, json!({ "active": false }), "{nothing}");
    }
}

#[tokio::test]
async fn only_an_edge_asks_and_for_itself() {
    let app = TestApp::start().await;
    let ask = || {
        let call = app.post("/edge/v1/introspect").header("content-type", "application/x-www-form-urlencoded");
        call.body("token=bwk_x")
    };
    ask().unlinked().send().await.problem(403, "edge-required");
    let signed = crate::support::EDGE_KEY.sign(0, "POST", "/edge/v1/introspect", "192.0.2.1", "r1");
    let for_a_client = ask().unlinked().header("x-forwarded-for", "192.0.2.1").header("x-request-id", "r1");
    for_a_client.header("breakwater-edge", &signed).send().await.problem(404, "not-found");
}

#[tokio::test]
async fn the_end_of_a_key_is_in_the_snapshot() {
    let app = TestApp::start().await;
    let user = app.user().await;
    let snapshot_before = snapshot(&app).await;
    let own = &snapshot_before["authentication"]["own_keys"];
    assert_eq!((&own["prefix"], &own["path"]), (&json!("bwk_"), &json!("/edge/v1/introspect")));
    let made = of_user(&app, &user, json!({})).await;
    app.delete(&format!("/api/v1/me/api-keys/{}", made.id)).bearer(&user.access_token).send().await.expect(204);
    let ended = snapshot(&app).await["authentication"]["revoked_sessions"].clone();
    assert_eq!(ended[0]["session"], made.id);
}
