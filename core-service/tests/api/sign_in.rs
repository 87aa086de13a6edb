//! Registering and signing in.

use serde_json::json;

use crate::support::{TestApp, settings};

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
        let answer = app.post("/api/v1/auth/login").json(body).send().await;
        let mut headers: Vec<_> = answer.headers.keys().map(|name| name.as_str().to_owned()).collect();
        headers.sort();
        let mut problem = answer.problem(401, "invalid-credentials");
        problem["request_id"].take();
        (problem, headers)
    };
    assert_eq!(sign_in(&user.email).await, sign_in("nobody@example.org").await);
}

/// The time that an answer takes must not tell whether an address is known. A clock would make a test that fails on a
/// busy machine; this one asks whether an unknown address needs its turn at hashing.
#[tokio::test]
async fn an_unknown_address_costs_a_hash_as_well() {
    let one_at_once = settings([
        ("IDENTITY__HASHING_THREADS", "1"),
        ("IDENTITY__HASHING_QUEUE", "0"),
        ("IDENTITY__GUESSES__PAIR__SIZE", "1000"),
    ]);
    let app = TestApp::start_with(one_at_once).await;
    let body = json!({ "email": "nobody@example.org", "password": "not the password" });
    let sign_in = || app.post("/api/v1/auth/login").json(body.clone()).send();
    // The first one makes the hash that unknown addresses are compared with.
    sign_in().await.problem(401, "invalid-credentials");
    let answers = futures_util::future::join_all((0..12).map(|_| sign_in())).await;
    let (refused, told): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 503);
    assert!(!refused.is_empty() && !told.is_empty(), "{} and {}", refused.len(), told.len());
    for answer in refused {
        assert_eq!(answer.header("retry-after"), "1");
        answer.problem(503, "overloaded");
    }
    told.into_iter().for_each(|answer| drop(answer.problem(401, "invalid-credentials")));
}
