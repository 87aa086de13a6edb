//! Registering and signing in.

use std::time::Instant;

use serde_json::json;

use crate::support::TestApp;

#[tokio::test]
async fn registering_signs_in_and_keeps_no_password() {
    let app = TestApp::start().await;
    let new = json!({ "email": "Ada@Example.ORG", "password": "analytical", "display_name": "Ada" });
    let answer = app.post("/api/v1/auth/register").json(new).send().await.expect(201);
    assert_eq!(answer.header("cache-control"), "no-store");
    let body = answer.json();
    assert_eq!(body["user"]["email"], "ada@example.org");
    assert_eq!(body["user"]["display_name"], "Ada");
    assert_eq!(body["token_type"], "Bearer");
    assert_eq!(body["expires_in"], 300);
    assert_eq!(body["refresh_token"].as_str().unwrap().len(), 43);
    let hash: String =
        sqlx::query_scalar("SELECT hash FROM passwords").fetch_one(&mut app.database().await).await.unwrap();
    assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
    let token = body["access_token"].as_str().unwrap();
    app.get("/api/v1/me").bearer(token).send().await.expect(200);
}

#[tokio::test]
async fn an_address_is_registered_once_whatever_its_case() {
    let app = TestApp::start().await;
    let new = |email: &str| json!({ "email": email, "password": "analytical" });
    app.post("/api/v1/auth/register").json(new("a@example.org")).send().await.expect(201);
    let again = app.post("/api/v1/auth/register").json(new("A@EXAMPLE.org")).send().await;
    again.problem(409, "email-taken");
}

#[tokio::test]
async fn bad_new_users_are_told_everything_that_is_wrong() {
    let app = TestApp::start().await;
    let new = json!({ "email": "no address", "password": "s3cr3t", "nickname": 1, "display_name": "" });
    let problem = app.post("/api/v1/auth/register").json(new).send().await.problem(422, "validation-failed");
    let mut errors: Vec<_> = problem["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| (error["pointer"].as_str().unwrap(), error["code"].as_str().unwrap()))
        .collect();
    errors.sort();
    let expected =
        [("/display_name", "minLength"), ("/email", "format"), ("/nickname", "unknown"), ("/password", "minLength")];
    assert_eq!(errors, expected);
    assert!(!problem.to_string().contains("s3cr3t"), "a password is never said back");
}

#[tokio::test]
async fn signing_in_begins_a_session_of_its_own() {
    let app = TestApp::start().await;
    let first = app.user().await;
    let second = app.sign_in(&first).await;
    assert_eq!(first.id, second.id);
    assert_ne!(first.refresh_token, second.refresh_token);
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_address_are_answered_alike() {
    let app = TestApp::start().await;
    let user = app.user().await;
    let sign_in = async |email: &str| {
        let body = json!({ "email": email, "password": "not the password" });
        let started = Instant::now();
        let answer = app.post("/api/v1/auth/login").json(body).send().await;
        let took = started.elapsed();
        let mut problem = answer.problem(401, "invalid-credentials");
        problem["request_id"].take();
        (problem, took)
    };
    // The first unknown address makes the hash that later ones are compared with.
    sign_in("warm@example.org").await;
    let (known, known_took) = sign_in(&user.email).await;
    let (unknown, unknown_took) = sign_in("nobody@example.org").await;
    assert_eq!(known, unknown);
    // Both hash once: without that, the unknown address would be answered many times faster.
    assert!(unknown_took * 4 > known_took, "{unknown_took:?} and {known_took:?}");
}
