//! Another address for an account.

use serde_json::json;

use super::{log_in, me};
use crate::support::{Answer, TestApp, User};

const NEW: &str = "ada@example.net";

async fn change(app: &TestApp, user: &User, email: &str) -> Answer {
    app.post("/api/v1/me/email").bearer(&user.access_token).json(json!({ "email": email })).send().await
}

async fn confirm(app: &TestApp, code: &str) -> Answer {
    app.post("/api/v1/auth/confirm-email").json(json!({ "code": code })).send().await
}

#[tokio::test]
async fn both_addresses_are_told_and_the_new_one_confirms() {
    let app = TestApp::start().await;
    let user = app.user().await;
    change(&app, &user, "ADA@example.net").await.expect(202);
    let code = app.mailed_code(NEW).await;
    let warned = app.mailed(&user.email).await;
    let warning = warned.last().unwrap();
    assert_eq!(warning.header("subject"), "Somebody wants to change your e-mail address for Breakwater");
    assert!(warning.text.contains(NEW), "{}", warning.text);
    assert_eq!(me(&app, &user).await["email"], user.email, "not before it is confirmed");
    confirm(&app, &code).await.expect(204);
    let profile = me(&app, &user).await;
    assert_eq!((&profile["email"], &profile["email_verified"]), (&json!(NEW), &json!(true)));
    for address in [NEW, &user.email] {
        let mails = app.mailed(address).await;
        let told = mails.last().unwrap();
        assert_eq!(told.header("subject"), "Your e-mail address for Breakwater was changed");
        assert!(told.text.contains(NEW) && told.text.contains(&user.email), "{}", told.text);
    }
    log_in(&app, &user.email, &user.password).await.problem(401, "invalid-credentials");
    log_in(&app, NEW, &user.password).await.expect(200);
    confirm(&app, &code).await.problem(400, "invalid-code");
}

#[tokio::test]
async fn it_needs_a_recent_proof_of_who_is_asking() {
    let app = TestApp::start().await;
    let user = app.user().await;
    let old = "UPDATE sessions SET authenticated_at = now() - interval '16 minutes'";
    sqlx::query(old).execute(&mut app.database().await).await.unwrap();
    let refused = change(&app, &user, NEW).await;
    let challenge = refused.header("www-authenticate").to_owned();
    assert!(
        challenge.contains("insufficient_user_authentication") && challenge.contains("max_age=\"900\""),
        "{challenge}"
    );
    refused.problem(401, "step-up-required");
    let prove = async |password: &str| {
        let call = app.post("/api/v1/auth/step-up").bearer(&user.access_token);
        call.json(json!({ "password": password })).send().await
    };
    prove("not the password").await.problem(422, "validation-failed");
    change(&app, &user, NEW).await.problem(401, "step-up-required");
    // Another session of the same user proves nothing for this one.
    app.sign_in(&user).await;
    change(&app, &user, NEW).await.problem(401, "step-up-required");
    prove(&user.password).await.expect(204);
    change(&app, &user, NEW).await.expect(202);
}

#[tokio::test]
async fn an_address_that_has_an_account_is_not_told_to_be_one() {
    let app = TestApp::start().await;
    let (user, other) = (app.user().await, app.user().await);
    let taken = change(&app, &user, &other.email).await.expect(202);
    let free = change(&app, &user, NEW).await.expect(202);
    assert_eq!(taken.body, free.body);
    let told = app.mailed(&other.email).await;
    assert_eq!(told.last().unwrap().header("subject"), "You already have an account with Breakwater");
    assert_eq!(me(&app, &user).await["email"], user.email);
}

#[tokio::test]
async fn a_new_request_or_a_new_password_withdraws_the_old_code() {
    let app = TestApp::start().await;
    let user = app.user().await;
    change(&app, &user, NEW).await.expect(202);
    let first = app.mailed_code(NEW).await;
    change(&app, &user, "ada@example.com").await.expect(202);
    let second = app.mailed_code("ada@example.com").await;
    confirm(&app, &first).await.problem(400, "invalid-code");
    let body = json!({ "current_password": user.password, "new_password": "another long password" });
    app.post("/api/v1/me/password").bearer(&user.access_token).json(body).send().await.expect(204);
    confirm(&app, &second).await.problem(400, "invalid-code");
    assert_eq!(me(&app, &user).await["email"], user.email);
}

#[tokio::test]
async fn whoever_confirms_an_address_first_has_it() {
    let app = TestApp::start().await;
    let (first, second) = (app.user().await, app.user().await);
    change(&app, &first, NEW).await.expect(202);
    let one = app.mailed_code(NEW).await;
    change(&app, &second, NEW).await.expect(202);
    let other = app.mailed_code(NEW).await;
    confirm(&app, &other).await.expect(204);
    confirm(&app, &one).await.problem(400, "invalid-code");
    assert_eq!(me(&app, &second).await["email"], NEW);
    assert_eq!(me(&app, &first).await["email"], first.email);
}
