//! The end of an account, and all that is known of it.

use http::Method;
use serde_json::json;

use super::log_in;
use crate::cast::workspace_of;
use crate::support::{Answer, Call, TestApp, User};

async fn delete(app: &TestApp, user: &User) -> Answer {
    app.delete("/api/v1/me").bearer(&user.access_token).send().await
}

async fn grow_old(app: &TestApp) {
    let old = "UPDATE sessions SET authenticated_at = now() - interval '16 minutes'";
    sqlx::query(old).execute(&mut app.database().await).await.unwrap();
}

#[tokio::test]
async fn it_is_gone_with_everything_of_its_own_and_refused_everywhere() {
    let app = TestApp::start().await;
    let user = app.user().await;
    let elsewhere = app.sign_in(&user).await;
    let (_, other) = app.another();
    let ask = || Call::new(other.clone(), Method::GET, "/api/v1/me").bearer(&elsewhere.access_token).send();
    ask().await.expect(200);
    app.mailed(&user.email).await;
    delete(&app, &user).await.expect(204);
    app.get("/api/v1/me").bearer(&user.access_token).send().await.problem(401, "invalid-token");
    log_in(&app, &user.email, &user.password).await.problem(401, "invalid-credentials");
    // Its sessions went with it, but whoever verifies tokens without asking still has to know.
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    ask().await.problem(401, "invalid-token");
    let mut database = app.database().await;
    for table in ["users", "passwords", "sessions", "refresh_tokens", "mailed_codes", "known_networks"] {
        let sql = sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
        let left: i64 = sqlx::query_scalar(sql).fetch_one(&mut database).await.unwrap();
        assert_eq!(left, 0, "{table}");
    }
    let mails = app.mailed(&user.email).await;
    assert_eq!(mails.last().unwrap().header("subject"), "Your account with Breakwater was deleted");
    // The address is free again.
    let new = json!({ "email": user.email, "password": user.password });
    app.post("/api/v1/auth/register").json(new).send().await.expect(201);
}

#[tokio::test]
async fn whoever_is_the_last_owner_of_workspaces_is_told_which() {
    let app = TestApp::start().await;
    let (user, mate) = (app.user().await, app.user().await);
    let (alone, shared) = (workspace_of(&app, &user).await, workspace_of(&app, &user).await);
    let path = format!("/api/v1/workspaces/{shared}/members");
    let add = app.post(&path).bearer(&user.access_token).json(json!({ "email": mate.email, "role": "owner" }));
    add.send().await.expect(201);
    let problem = delete(&app, &user).await.problem(409, "last-owner");
    assert_eq!(problem["workspaces"], json!([{ "id": alone, "name": "Harbour" }]));
    log_in(&app, &user.email, &user.password).await.expect(200);
    let path = format!("/api/v1/workspaces/{alone}");
    app.delete(&path).bearer(&user.access_token).send().await.expect(204);
    delete(&app, &user).await.expect(204);
    let members = app.get(&format!("/api/v1/workspaces/{shared}/members")).bearer(&mate.access_token);
    assert_eq!(members.send().await.expect(200).json()["items"].as_array().unwrap().len(), 1);
}

/// Each of two owners could go because of the other: one of them must stay.
#[tokio::test]
async fn owners_that_leave_together_leave_one() {
    let app = TestApp::start().await;
    let (one, other) = (app.user().await, app.user().await);
    let workspace = workspace_of(&app, &one).await;
    let path = format!("/api/v1/workspaces/{workspace}/members");
    let add = app.post(&path).bearer(&one.access_token).json(json!({ "email": other.email, "role": "owner" }));
    add.send().await.expect(201);
    let (first, second) = tokio::join!(delete(&app, &one), delete(&app, &other));
    let mut statuses = [first.status.as_u16(), second.status.as_u16()];
    statuses.sort();
    assert_eq!(statuses, [204, 409]);
}

#[tokio::test]
async fn both_need_a_recent_proof_of_who_is_asking() {
    let app = TestApp::start().await;
    let user = app.user().await;
    grow_old(&app).await;
    delete(&app, &user).await.problem(401, "step-up-required");
    let export = app.get("/api/v1/me/export").bearer(&user.access_token);
    export.send().await.problem(401, "step-up-required");
    log_in(&app, &user.email, &user.password).await.expect(200);
}

#[tokio::test]
async fn an_export_holds_what_is_known_and_no_secret() {
    let app = TestApp::start().await;
    let user = app.user().await;
    let workspace = workspace_of(&app, &user).await;
    workspace_of(&app, &app.user().await).await;
    let answer = app.get("/api/v1/me/export").bearer(&user.access_token).send().await.expect(200);
    assert_eq!(answer.header("cache-control"), "no-store");
    assert!(answer.header("content-disposition").starts_with("attachment"));
    let export = answer.json();
    assert_eq!((&export["user"]["id"], &export["language"]), (&json!(user.id), &json!("en")));
    assert_eq!(export["sessions"][0]["current"], true);
    assert_eq!(export["workspaces"].as_array().unwrap().len(), 1);
    assert_eq!(export["workspaces"][0]["role"], "owner");
    assert_eq!(export["workspaces"][0]["id"], json!(workspace));
    assert!(!export.to_string().contains("argon2"));
}
