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

/// Waits until the database says yes.
async fn until(database: &mut sqlx::PgConnection, question: &'static str) {
    for _ in 0..500 {
        if sqlx::query_scalar::<_, bool>(question).fetch_one(&mut *database).await.unwrap() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("never: {question}");
}

/// A request that has its key and waits for the table `users`, which is held by the connection given back.
async fn stuck(app: &TestApp) -> (tokio::task::JoinHandle<Answer>, sqlx::PgConnection) {
    let mut holder = app.database().await;
    sqlx::raw_sql("BEGIN; LOCK TABLE users").execute(&mut holder).await.unwrap();
    let call = app.post(REGISTER).header("idempotency-key", "key-1").json(new("a"));
    let running = tokio::spawn(call.send());
    // Asked on another connection: within a transaction the statistics stand still.
    until(
        &mut app.database().await,
        "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')",
    )
    .await;
    (running, holder)
}

#[tokio::test]
async fn after_a_crash_in_the_middle_nothing_is_lost_or_doubled() {
    let app = TestApp::start().await;
    let (running, mut holder) = stuck(&app).await;
    register(&app, "key-1", new("a")).await.problem(409, "request-in-progress");
    sqlx::query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND wait_event_type = 'Lock'",
    )
    .execute(&mut holder)
    .await
    .unwrap();
    running.await.unwrap().problem(503, "database-unavailable");
    sqlx::raw_sql("ROLLBACK").execute(&mut holder).await.unwrap();
    assert_eq!(users(&app).await, 0, "nothing half-written");
    register(&app, "key-1", new("a")).await.expect(201);
    assert_eq!(register(&app, "key-1", new("a")).await.expect(201).header("idempotency-replayed"), "true");
    assert_eq!(users(&app).await, 1);
}

#[tokio::test]
async fn a_client_that_goes_away_leaves_its_key_free() {
    let app = TestApp::start().await;
    let (running, mut holder) = stuck(&app).await;
    running.abort();
    assert!(running.await.unwrap_err().is_cancelled());
    sqlx::raw_sql("ROLLBACK").execute(&mut holder).await.unwrap();
    // Its transaction is rolled back when its connection returns to the pool.
    until(
        &mut holder,
        "SELECT NOT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory'
           AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))",
    )
    .await;
    assert_eq!(users(&app).await, 0);
    register(&app, "key-1", new("a")).await.expect(201);
    assert_eq!(users(&app).await, 1);
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
