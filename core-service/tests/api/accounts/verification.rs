//! Proof that an address is its owner's, under both settings.

use serde_json::{Value, json};

use super::{log_in, me};
use crate::support::{Answer, TestApp, User, settings};

const PASSWORD: &str = "difference engine no. 2";

async fn strict() -> TestApp {
    TestApp::start_with(settings([("IDENTITY__EMAIL_VERIFICATION", "required")])).await
}

async fn register(app: &TestApp, email: &str, password: &str) -> Answer {
    app.post("/api/v1/auth/register").json(json!({ "email": email, "password": password })).send().await
}

async fn verify(app: &TestApp, code: &str, password: &str) -> Answer {
    app.post("/api/v1/auth/verify-email").json(json!({ "code": code, "password": password })).send().await
}

#[tokio::test]
async fn an_account_comes_of_a_code_and_the_password_together() {
    let app = strict().await;
    let told = register(&app, "Ada@Example.org", PASSWORD).await.expect(202).json();
    assert_eq!(told, json!({ "next": "identity.email.verify" }));
    log_in(&app, "ada@example.org", PASSWORD).await.problem(401, "invalid-credentials");
    let mails = app.mailed("ada@example.org").await;
    assert_eq!(mails.len(), 1);
    assert!(mails[0].text.contains("without your confirmation there will be\nno account"), "{}", mails[0].text);
    let code = mails[0].code();
    assert!(mails[0].text.contains(&format!("http://127.0.0.1:3000/verify-email#code={code}")));
    verify(&app, &code, "another password").await.problem(400, "invalid-code");
    let body = verify(&app, &code.to_lowercase().replace('-', " "), PASSWORD).await.expect(200).json();
    assert_eq!(body["user"]["email_verified"], true);
    assert_eq!(me(&app, &User::of(&body, PASSWORD)).await["email"], "ada@example.org");
    log_in(&app, "ada@example.org", PASSWORD).await.expect(200);
    verify(&app, &code, PASSWORD).await.problem(400, "invalid-code");
}

/// What a stranger sees is byte for byte the same, and the owner learns of it.
#[tokio::test]
async fn registering_does_not_tell_who_has_an_account() {
    let app = strict().await;
    register(&app, "ada@example.org", PASSWORD).await.expect(202);
    let code = app.mailed_code("ada@example.org").await;
    verify(&app, &code, PASSWORD).await.expect(200);
    let known = register(&app, "ada@example.org", "a stranger's guess").await.expect(202);
    let unknown = register(&app, "bob@example.org", "a stranger's guess").await.expect(202);
    assert_eq!(known.body, unknown.body);
    let names = |answer: &Answer| answer.headers.keys().map(|name| name.to_string()).collect::<Vec<_>>();
    assert_eq!(names(&known), names(&unknown));
    let mails = app.mailed("ada@example.org").await;
    assert_eq!(mails.len(), 2);
    assert_eq!(mails[1].header("subject"), "You already have an account with Breakwater");
    // Nothing of the stranger's stays, and their password does not fit.
    log_in(&app, "ada@example.org", "a stranger's guess").await.problem(401, "invalid-credentials");
    log_in(&app, "ada@example.org", PASSWORD).await.expect(200);
    // However often they try, the owner is told once an hour.
    for _ in 0..3 {
        register(&app, "ada@example.org", "a stranger's guess").await.expect(202);
    }
    assert!(app.mailed("ada@example.org").await.len() <= 3);
}

/// A stranger registers first; the owner, who registers too and reads both mails, gets the account of their own password.
#[tokio::test]
async fn whoever_registered_an_address_before_its_owner_gets_nothing() {
    let app = strict().await;
    register(&app, "ada@example.org", "the stranger's password").await.expect(202);
    let theirs = app.mailed_code("ada@example.org").await;
    register(&app, "ada@example.org", PASSWORD).await.expect(202);
    let own = app.mailed_code("ada@example.org").await;
    assert_ne!(theirs, own);
    // The owner opens the wrong link: their password does not fit it.
    verify(&app, &theirs, PASSWORD).await.problem(400, "invalid-code");
    verify(&app, &own, PASSWORD).await.expect(200);
    verify(&app, &theirs, "the stranger's password").await.problem(400, "invalid-code");
    log_in(&app, "ada@example.org", "the stranger's password").await.problem(401, "invalid-credentials");
}

#[tokio::test]
async fn racing_confirmations_make_one_user() {
    let app = strict().await;
    register(&app, "ada@example.org", PASSWORD).await.expect(202);
    register(&app, "ada@example.org", PASSWORD).await.expect(202);
    let codes: Vec<String> = app.mailed("ada@example.org").await.iter().map(|mail| mail.code()).collect();
    let racing = (0..6).map(|n| verify(&app, &codes[n % 2], PASSWORD));
    let answers = futures_util::future::join_all(racing).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    for answer in answers.into_iter().filter(|answer| answer.status != 200) {
        answer.problem(400, "invalid-code");
    }
}

#[tokio::test]
async fn codes_grow_old_and_registrations_are_forgotten() {
    let app = strict().await;
    register(&app, "ada@example.org", PASSWORD).await.expect(202);
    let code = app.mailed_code("ada@example.org").await;
    let old = "UPDATE registrations SET expires_at = now()";
    sqlx::query(old).execute(&mut app.database().await).await.unwrap();
    verify(&app, &code, PASSWORD).await.problem(400, "invalid-code");
    core_service::operations::upkeep::once(&app.state).await.unwrap();
    let left: i64 =
        sqlx::query_scalar("SELECT count(*) FROM registrations").fetch_one(&mut app.database().await).await.unwrap();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn nobodys_mailbox_is_flooded() {
    let app = strict().await;
    for _ in 0..8 {
        register(&app, "ada@example.org", PASSWORD).await.expect(202);
        app.mailed("ada@example.org").await;
    }
    assert_eq!(app.mailed("ada@example.org").await.len(), 5);
}

#[tokio::test]
async fn a_job_that_is_done_twice_writes_once() {
    let app = strict().await;
    register(&app, "ada@example.org", PASSWORD).await.expect(202);
    let payload: Value = sqlx::query_scalar("SELECT payload FROM jobs WHERE queue = 'identity.registered'")
        .fetch_one(&mut app.database().await)
        .await
        .unwrap();
    let again = "INSERT INTO jobs (id, queue, payload) VALUES (gen_random_uuid(), 'identity.registered', $1)";
    sqlx::query(again).bind(payload).execute(&mut app.database().await).await.unwrap();
    let mails = app.mailed("ada@example.org").await;
    assert_eq!(mails.len(), 1);
    verify(&app, &mails[0].code(), PASSWORD).await.expect(200);
}

#[tokio::test]
async fn where_it_is_optional_somebody_is_signed_in_and_can_verify_later() {
    let app = TestApp::start().await;
    let user = app.user().await;
    assert_eq!(me(&app, &user).await["email_verified"], false);
    let resend = || app.post("/api/v1/me/verification").bearer(&user.access_token).send();
    resend().await.expect(202);
    let mails = app.mailed(&user.email).await;
    assert_eq!(mails.len(), 2);
    assert!(mails[0].text.contains("Do not confirm"), "{}", mails[0].text);
    let code = mails[0].code();
    verify(&app, &code, "another password").await.problem(400, "invalid-code");
    verify(&app, &code, &user.password).await.expect(200);
    assert_eq!(me(&app, &user).await["email_verified"], true);
    verify(&app, &code, &user.password).await.problem(400, "invalid-code");
    resend().await.problem(409, "conflict");
}

#[tokio::test]
async fn mails_come_in_the_readers_language() {
    let app = strict().await;
    let new = json!({ "email": "ada@example.org", "password": PASSWORD });
    let call = app.post("/api/v1/auth/register").json(new).header("accept-language", "de-AT, en;q=0.5");
    call.send().await.expect(202);
    let mails = app.mailed("ada@example.org").await;
    assert!(mails[0].header("subject").starts_with("=?utf-8?"), "{}", mails[0].header("subject"));
    assert!(mails[0].text.contains("Willkommen bei"), "{}", mails[0].text);
}

/// Whoever needs a second connection while they hold one can wait for themselves when the pool is used up.
#[tokio::test]
async fn a_sign_in_does_with_one_connection() {
    let app = TestApp::start_with(settings([("DATABASE__MAX_CONNECTIONS", "1")])).await;
    let user = app.user().await;
    log_in(&app, &user.email, "wrong").await.problem(401, "invalid-credentials");
    log_in(&app, &user.email, &user.password).await.expect(200);
    assert_eq!(me(&app, &user).await["email"], user.email);
}
