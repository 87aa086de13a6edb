//! Refresh tokens: rotation, racing clients, stolen tokens.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::support::{Answer, TestApp, User, settings};

async fn refresh(app: &TestApp, token: &str) -> Answer {
    let body = json!({ "refresh_token": token });
    app.post("/api/v1/auth/refresh").json(body).send().await
}

fn token(answer: Answer) -> String {
    answer.expect(200).json()["refresh_token"].as_str().unwrap().to_owned()
}

async fn is_signed_in(app: &TestApp, user: &User) -> bool {
    let answer = app.get("/api/v1/me").bearer(&user.access_token).send().await;
    match answer.status.as_u16() {
        200 => true,
        401 => false,
        _ => panic!("{answer:?}"),
    }
}

#[tokio::test]
async fn a_refresh_gives_new_tokens_in_the_words_of_oauth() {
    let app = TestApp::start().await;
    let user = app.user().await;
    let answer = refresh(&app, &user.refresh_token).await.expect(200);
    assert_eq!(answer.header("cache-control"), "no-store");
    let body = answer.json();
    assert_eq!(body["token_type"], "Bearer");
    assert_eq!(body["expires_in"], 300);
    assert_ne!(body["refresh_token"], user.refresh_token.as_str());
    let access = body["access_token"].as_str().unwrap();
    app.get("/api/v1/me").bearer(access).send().await.expect(200);
}

#[tokio::test]
async fn a_form_does_as_well() {
    let app = TestApp::start().await;
    let user = app.user().await;
    let form = |grant: &str| format!("grant_type={grant}&refresh_token={}&client_id=x", user.refresh_token);
    let send = |form: String| {
        let call = app.post("/api/v1/auth/refresh").body(form);
        call.header("content-type", "application/x-www-form-urlencoded").send()
    };
    send(form("password")).await.problem(422, "validation-failed");
    send("nonsense".to_owned()).await.problem(400, "bad-request");
    send(form("refresh_token")).await.expect(200);
}

#[tokio::test]
async fn no_token_is_stored_as_it_is() {
    let app = TestApp::start().await;
    let user = app.user().await;
    token(refresh(&app, &user.refresh_token).await);
    let rows: Vec<Value> = sqlx::query_scalar("SELECT to_jsonb(t) FROM refresh_tokens t")
        .fetch_all(&mut app.database().await)
        .await
        .unwrap();
    assert_eq!(rows.len(), 2);
    let hex = |token: &str| {
        use base64::Engine;
        let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(token).unwrap();
        bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>()
    };
    assert!(!format!("{rows:?}").contains(&hex(&user.refresh_token)));
}

#[tokio::test]
async fn the_parent_gets_the_same_child_again_within_the_grace() {
    let app = TestApp::start().await;
    let user = app.user().await;
    let child = token(refresh(&app, &user.refresh_token).await);
    assert_eq!(token(refresh(&app, &user.refresh_token).await), child);
    // And the family goes on.
    let grandchild = token(refresh(&app, &child).await);
    assert_ne!(grandchild, child);
}

#[tokio::test]
async fn the_parent_ends_the_family_after_the_grace() {
    let app = TestApp::start_with(settings([("IDENTITY__REFRESH_GRACE_SECONDS", "0")])).await;
    let user = app.user().await;
    let child = token(refresh(&app, &user.refresh_token).await);
    let problem = refresh(&app, &user.refresh_token).await.problem(400, "invalid-grant");
    assert_eq!(problem["error"], "invalid_grant");
    refresh(&app, &child).await.problem(400, "invalid-grant");
    assert!(!is_signed_in(&app, &user).await, "access tokens of the family are refused at once");
}

#[tokio::test]
async fn a_grandparent_ends_the_family_even_within_the_grace() {
    let app = TestApp::start().await;
    let user = app.user().await;
    let other = app.sign_in(&user).await;
    let child = token(refresh(&app, &user.refresh_token).await);
    let grandchild = token(refresh(&app, &child).await);
    refresh(&app, &user.refresh_token).await.problem(400, "invalid-grant");
    refresh(&app, &grandchild).await.problem(400, "invalid-grant");
    assert!(!is_signed_in(&app, &user).await);
    assert!(is_signed_in(&app, &other).await, "the user's other session is not touched");
    let because: String = sqlx::query_scalar("SELECT ended_because FROM sessions WHERE ended_at IS NOT NULL")
        .fetch_one(&mut app.database().await)
        .await
        .unwrap();
    assert_eq!(because, "refresh-reuse");
}

#[tokio::test]
async fn ten_racing_refreshes_leave_one_family_and_nobody_signed_out() {
    let app = TestApp::start().await;
    let user = app.user().await;
    let racing = (0..10).map(|_| refresh(&app, &user.refresh_token));
    let answers = futures_util::future::join_all(racing).await;
    let children: HashSet<_> = answers.into_iter().map(token).collect();
    assert_eq!(children.len(), 1, "all got the same child");
    assert!(is_signed_in(&app, &user).await);
    let (sessions, generation): (i64, i32) =
        sqlx::query_as("SELECT count(*), max(generation) FROM sessions WHERE ended_at IS NULL")
            .fetch_one(&mut app.database().await)
            .await
            .unwrap();
    assert_eq!((sessions, generation), (1, 1));
    let child = children.into_iter().next().unwrap();
    token(refresh(&app, &child).await);
}

#[tokio::test]
async fn what_is_no_token_of_ours_is_refused() {
    let app = TestApp::start().await;
    for wrong in ["", "x", &"A".repeat(43), &"A".repeat(10_000)] {
        refresh(&app, wrong).await.problem(400, "invalid-grant");
    }
}

#[tokio::test]
async fn an_expired_session_cannot_be_refreshed() {
    let app = TestApp::start().await;
    let user = app.user().await;
    sqlx::query("UPDATE sessions SET expires_at = now() - interval '1 second'")
        .execute(&mut app.database().await)
        .await
        .unwrap();
    refresh(&app, &user.refresh_token).await.problem(400, "invalid-grant");
}
