//! A forgotten password.

use serde_json::json;

use super::{is_signed_in, log_in, me};
use crate::support::{Answer, TestApp, settings};

const NEW: &str = "a new long password";

async fn ask(app: &TestApp, email: &str) -> Answer {
    app.post("/api/v1/auth/password-reset").json(json!({ "email": email })).send().await
}

async fn confirm(app: &TestApp, code: &str, password: &str) -> Answer {
    let body = json!({ "code": code, "new_password": password });
    app.post("/api/v1/auth/password-reset/confirm").json(body).send().await
}

#[tokio::test]
async fn a_code_by_mail_sets_a_new_password_and_signs_out_everywhere() {
    let app = TestApp::start().await;
    let user = app.user().await;
    let other = app.sign_in(&user).await;
    ask(&app, &user.email.to_uppercase()).await.expect(202);
    let mails = app.mailed(&user.email).await;
    let mail = mails.last().unwrap();
    assert_eq!(mail.header("subject"), "Choose a new password for Breakwater");
    assert!(mail.text.contains("within 30 minutes"), "{}", mail.text);
    let code = mail.code();
    let answer = confirm(&app, &code, NEW).await.expect(204);
    assert!(answer.body.is_empty(), "a reset signs nobody in");
    assert!(!is_signed_in(&app, &user).await && !is_signed_in(&app, &other).await);
    for refresh in [&user.refresh_token, &other.refresh_token] {
        let body = json!({ "refresh_token": refresh });
        app.post("/api/v1/auth/refresh").json(body).send().await.problem(400, "invalid-grant");
    }
    log_in(&app, &user.email, &user.password).await.problem(401, "invalid-credentials");
    let body = log_in(&app, &user.email, NEW).await.expect(200).json();
    assert_eq!(body["user"]["email_verified"], true, "the code came by the address");
    confirm(&app, &code, NEW).await.problem(400, "invalid-code");
    let mails = app.mailed(&user.email).await;
    assert_eq!(mails.last().unwrap().header("subject"), "Your password for Breakwater was changed");
}

#[tokio::test]
async fn who_asks_does_not_learn_whether_there_is_an_account() {
    let app = TestApp::start().await;
    let user = app.user().await;
    let known = ask(&app, &user.email).await.expect(202);
    let unknown = ask(&app, "nobody@example.org").await.expect(202);
    assert_eq!(known.body, unknown.body);
    app.mailed(&user.email).await;
    assert!(app.mailed("nobody@example.org").await.is_empty());
}

#[tokio::test]
async fn codes_are_stored_hashed_and_grow_old() {
    let app = TestApp::start().await;
    let user = app.user().await;
    ask(&app, &user.email).await.expect(202);
    let code = app.mailed_code(&user.email).await;
    let mut database = app.database().await;
    let rows: Vec<serde_json::Value> =
        sqlx::query_scalar("SELECT to_jsonb(c) FROM mailed_codes c UNION ALL SELECT to_jsonb(j) FROM jobs j")
            .fetch_all(&mut database)
            .await
            .unwrap();
    let stored = format!("{rows:?}");
    assert!(!stored.contains(&code) && !stored.contains(&code.replace('-', "")));
    sqlx::query("UPDATE mailed_codes SET expires_at = now()").execute(&mut database).await.unwrap();
    confirm(&app, &code, NEW).await.problem(400, "invalid-code");
    for wrong in ["", "x", "00000-00000-00000-00000-00000"] {
        confirm(&app, wrong, NEW).await.problem(400, "invalid-code");
    }
}

#[tokio::test]
async fn a_code_is_good_for_one_thing_and_once() {
    let app = TestApp::start().await;
    let user = app.user().await;
    let verification = app.mailed_code(&user.email).await;
    confirm(&app, &verification, NEW).await.problem(400, "invalid-code");
    ask(&app, &user.email).await.expect(202);
    let code = app.mailed_code(&user.email).await;
    let body = json!({ "code": code, "password": user.password });
    app.post("/api/v1/auth/verify-email").json(body).send().await.problem(400, "invalid-code");
    let racing = (0..5).map(|n| {
        let (app, code) = (&app, &code);
        async move { confirm(app, code, &format!("a long password no. {n}")).await.status.as_u16() }
    });
    let mut statuses = futures_util::future::join_all(racing).await;
    statuses.sort();
    assert_eq!(statuses, [204, 400, 400, 400, 400]);
}

#[tokio::test]
async fn a_bad_password_does_not_use_the_code_up() {
    let app = TestApp::start().await;
    let user = app.user().await;
    ask(&app, &user.email).await.expect(202);
    let code = app.mailed_code(&user.email).await;
    for bad in ["short", "password1", &user.email] {
        confirm(&app, &code, bad).await.problem(422, "validation-failed");
    }
    confirm(&app, &code, NEW).await.expect(204);
}

#[tokio::test]
async fn nobodys_mailbox_is_flooded() {
    let app = TestApp::start().await;
    let user = app.user().await;
    for _ in 0..8 {
        ask(&app, &user.email).await.expect(202);
    }
    let resets = app.mailed(&user.email).await;
    assert_eq!(resets.iter().filter(|mail| mail.header("subject").starts_with("Choose")).count(), 5);
}

/// Somebody registered another's address, where that is possible; its owner takes the account over.
#[tokio::test]
async fn a_reset_takes_an_account_back_from_whoever_registered_the_address() {
    let app = TestApp::start_with(settings([])).await;
    let stranger = app.user().await;
    ask(&app, &stranger.email).await.expect(202);
    let code = app.mailed_code(&stranger.email).await;
    confirm(&app, &code, NEW).await.expect(204);
    assert!(!is_signed_in(&app, &stranger).await);
    let body = log_in(&app, &stranger.email, NEW).await.expect(200).json();
    let owner = crate::support::User::of(&body, NEW);
    assert_eq!(me(&app, &owner).await["email_verified"], true);
}
