//! Repeated requests, asked of registration: it is the one POST of these rooms that creates.

use serde_json::{Value, json};

use crate::support::{Answer, TestApp};

const REGISTER: &str = "/api/v1/auth/register";

fn new(name: &str) -> Value {
    json!({ "email": format!("{name}@example.org"), "password": "correct horse" })
}

async fn register(app: &TestApp, key: &str, body: Value) -> Answer {
    app.post(REGISTER).header("idempotency-key", key).json(body).send().await
}

async fn users(app: &TestApp) -> i64 {
    let count = sqlx::query_scalar("SELECT count(*) FROM users");
    count.fetch_one(&mut app.database().await).await.unwrap()
}

#[tokio::test]
async fn the_same_request_gets_the_same_answer_and_no_second_effect() {
    let app = TestApp::start().await;
    let first = register(&app, "key-1", new("a")).await.expect(201);
    assert_eq!(first.header("idempotency-replayed"), "");
    // Quotes are the same key: the draft has it as a structured string.
    for key in ["key-1", "\"key-1\""] {
        let again = register(&app, key, new("a")).await.expect(201);
        assert_eq!(again.header("idempotency-replayed"), "true");
        assert_eq!(again.body, first.body);
        assert_eq!(again.header("content-type"), first.header("content-type"));
    }
    assert_eq!(users(&app).await, 1);
}

#[tokio::test]
async fn another_request_under_the_same_key_is_refused() {
    let app = TestApp::start().await;
    register(&app, "key-1", new("a")).await.expect(201);
    register(&app, "key-1", new("b")).await.problem(422, "idempotency-key-reused");
    register(&app, "key-2", new("b")).await.expect(201);
    assert_eq!(users(&app).await, 2);
}

#[tokio::test]
async fn racing_repetitions_take_effect_once() {
    let app = TestApp::start().await;
    let racing = (0..10).map(|_| register(&app, "key-1", new("a")));
    let answers = futures_util::future::join_all(racing).await;
    assert_eq!(users(&app).await, 1);
    let mut bodies = std::collections::HashSet::new();
    for answer in answers {
        if answer.status == 201 {
            bodies.insert(answer.body.clone());
        } else {
            assert_eq!(answer.header("retry-after"), "1");
            answer.problem(409, "request-in-progress");
        }
    }
    assert_eq!(bodies.len(), 1);
}

#[tokio::test]
async fn a_request_in_progress_is_said_to_be() {
    let app = TestApp::start().await;
    register(&app, "key-1", new("a")).await.expect(201);
    // Whoever works on it holds its lock: the first eight bytes of its id.
    let mut other = app.database().await;
    sqlx::query(
        "SELECT pg_advisory_lock(('x' || encode(substr(id, 1, 8), 'hex'))::bit(64)::bigint) FROM idempotency_keys",
    )
    .execute(&mut other)
    .await
    .unwrap();
    register(&app, "key-1", new("a")).await.problem(409, "request-in-progress");
    sqlx::query("SELECT pg_advisory_unlock_all()").execute(&mut other).await.unwrap();
    register(&app, "key-1", new("a")).await.expect(201);
}

#[tokio::test]
async fn a_refused_request_may_be_tried_again() {
    let app = TestApp::start().await;
    register(&app, "key-1", new("a")).await.expect(201);
    register(&app, "key-2", new("a")).await.problem(409, "email-taken");
    sqlx::query("DELETE FROM users").execute(&mut app.database().await).await.unwrap();
    register(&app, "key-2", new("a")).await.expect(201);
}

#[tokio::test]
async fn an_answer_is_kept_for_a_day_and_encrypted() {
    let app = TestApp::start().await;
    let first = register(&app, "key-1", new("a")).await.expect(201).json();
    let mut database = app.database().await;
    let kept: Vec<u8> =
        sqlx::query_scalar("SELECT answer FROM idempotency_keys").fetch_one(&mut database).await.unwrap();
    let token = first["refresh_token"].as_str().unwrap().as_bytes();
    assert!(!kept.windows(token.len()).any(|window| window == token));
    sqlx::query("UPDATE idempotency_keys SET created_at = now() - interval '25 hours'")
        .execute(&mut database)
        .await
        .unwrap();
    // Forgotten: the same key is a new request, which now meets the user it made.
    register(&app, "key-1", new("a")).await.problem(409, "email-taken");
    register(&app, "key-1", new("b")).await.expect(201);
    core_service::operations::upkeep::once(&app.state).await.unwrap();
    let count: i64 =
        sqlx::query_scalar("SELECT count(*) FROM idempotency_keys").fetch_one(&mut database).await.unwrap();
    assert_eq!(count, 1);
}

#[tokio::test]
async fn bad_keys_are_refused() {
    let app = TestApp::start().await;
    for key in ["", "\"\"", "with space", &"k".repeat(256)] {
        register(&app, key, new("a")).await.problem(400, "bad-request");
    }
    assert_eq!(users(&app).await, 0);
}
