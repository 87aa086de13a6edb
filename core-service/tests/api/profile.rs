//! `me`: entity tags, preconditions, merge patches.

use serde_json::json;

use crate::support::{TestApp, User};

const ME: &str = "/api/v1/me";

async fn started() -> (TestApp, User) {
    let app = TestApp::start().await;
    let user = app.user().await;
    (app, user)
}

#[tokio::test]
async fn reading_revalidates_by_etag() {
    let (app, user) = started().await;
    let answer = app.get(ME).bearer(&user.access_token).send().await.expect(200);
    assert_eq!(answer.header("etag"), "\"v1\"");
    assert_eq!(answer.json()["email"], user.email);
    let again = app.get(ME).bearer(&user.access_token).header("if-none-match", "W/\"v1\"").send().await;
    let again = again.expect(304);
    assert!(again.body.is_empty());
    assert_eq!(again.header("etag"), "\"v1\"");
}

#[tokio::test]
async fn a_change_makes_a_new_version_and_older_ones_are_refused() {
    let (app, user) = started().await;
    let patch =
        |name: serde_json::Value| app.patch(ME).bearer(&user.access_token).json(json!({ "display_name": name }));
    let answer = patch(json!("Ada")).header("if-match", "\"v1\"").send().await.expect(200);
    assert_eq!(answer.header("etag"), "\"v2\"");
    assert_eq!(answer.json()["display_name"], "Ada");
    for old in ["\"v1\"", "W/\"v2\""] {
        let refused = patch(json!("Eve")).header("if-match", old).send().await;
        assert_eq!(refused.header("etag"), "\"v2\"");
        refused.problem(412, "precondition-failed");
    }
    patch(json!("Eve")).header("if-match", "v2").send().await.problem(400, "bad-request");
    patch(json!("Countess")).header("if-match", "*").send().await.expect(200);
    let removed = patch(json!(null)).send().await.expect(200);
    assert!(removed.json()["display_name"].is_null());
}

#[tokio::test]
async fn an_absent_member_stays() {
    let (app, user) = started().await;
    let patch = |body| app.patch(ME).bearer(&user.access_token).json(body).send();
    patch(json!({ "display_name": "Ada" })).await.expect(200);
    assert_eq!(patch(json!({})).await.expect(200).json()["display_name"], "Ada");
    patch(json!({ "display_name": 7 })).await.problem(422, "validation-failed");
    patch(json!({ "email": "x@example.org" })).await.problem(422, "validation-failed");
    let merge = app.patch(ME).bearer(&user.access_token).body(r#"{"display_name":"Byron"}"#);
    merge.header("content-type", "application/merge-patch+json").send().await.expect(200);
}

#[tokio::test]
async fn racing_changes_of_one_version_let_one_win() {
    let (app, user) = started().await;
    let racing = (0..8).map(|n| {
        let call = app.patch(ME).bearer(&user.access_token).header("if-match", "\"v1\"");
        call.json(json!({ "display_name": format!("name {n}") })).send()
    });
    let answers = futures_util::future::join_all(racing).await;
    let won = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(won, 1);
    assert!(answers.iter().all(|answer| [200, 412].contains(&answer.status.as_u16())));
}
