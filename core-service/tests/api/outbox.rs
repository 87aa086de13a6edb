//! The outbox: work commits with the write that it follows from, and is done at least once.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use core_service::database::Scope;
use core_service::events::{self, Failure, Handler, Job, NewJob, Outcome};
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use crate::support::{TestApp, settings};

const QUEUE: &str = "test";

/// Longer than anything here takes on the busiest machine.
const PATIENCE: Duration = Duration::from_secs(60);

async fn ask(app: &TestApp, reason: Option<&str>, payload: Value) -> bool {
    let mut tx = app.state.database.begin(&Scope::nobody()).await.unwrap();
    let asked = events::ask(&mut tx, NewJob { queue: QUEUE, reason, payload: &payload }).await.unwrap();
    tx.commit().await.unwrap();
    asked
}

/// A handler that remembers every attempt and ends it as `outcome` says.
fn handler(outcome: impl Fn(&Job) -> Outcome + Send + Sync + 'static) -> (Vec<Handler>, Arc<Mutex<Vec<Job>>>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (outcome, seeing) = (Arc::new(outcome), seen.clone());
    let handler = Handler::new(QUEUE, move |_, job| {
        let (outcome, seeing) = (outcome.clone(), seeing.clone());
        async move {
            seeing.lock().unwrap().push(job.clone());
            outcome(&job)
        }
    });
    (vec![handler], seen)
}

async fn states(app: &TestApp) -> Vec<(String, i32)> {
    sqlx::query_as("SELECT state, attempts FROM jobs ORDER BY id").fetch_all(&mut app.database().await).await.unwrap()
}

async fn make_due(app: &TestApp) {
    let sql = "UPDATE jobs SET run_at = now() WHERE state = 'waiting'";
    sqlx::query(sql).execute(&mut app.database().await).await.unwrap();
}

#[tokio::test]
async fn a_job_commits_with_its_write_and_is_done_once() {
    let app = TestApp::start().await;
    let (handlers, seen) = handler(|_| Ok(()));
    let mut tx = app.state.database.begin(&Scope::nobody()).await.unwrap();
    events::ask(&mut tx, NewJob { queue: QUEUE, reason: None, payload: &json!(1) }).await.unwrap();
    assert_eq!(events::run_due(&app.state, &handlers).await.unwrap(), 0, "it is not committed");
    tx.rollback().await.unwrap();
    assert_eq!(events::run_due(&app.state, &handlers).await.unwrap(), 0);
    assert!(ask(&app, None, json!({ "n": 2 })).await);
    assert_eq!(events::run_due(&app.state, &handlers).await.unwrap(), 1);
    assert_eq!(events::run_due(&app.state, &handlers).await.unwrap(), 0);
    assert_eq!(seen.lock().unwrap()[0].payload::<Value>().unwrap(), json!({ "n": 2 }));
    assert_eq!(states(&app).await, [], "what needs not be remembered is not");
}

#[tokio::test]
async fn one_reason_is_taken_once_for_as_long_as_it_is_remembered() {
    let app = TestApp::start().await;
    let (handlers, seen) = handler(|_| Ok(()));
    assert!(ask(&app, Some("welcome ada"), json!("secret")).await);
    assert!(!ask(&app, Some("welcome ada"), json!(2)).await);
    assert!(ask(&app, Some("welcome bob"), json!(3)).await);
    events::run_due(&app.state, &handlers).await.unwrap();
    assert!(!ask(&app, Some("welcome ada"), json!(4)).await);
    events::run_due(&app.state, &handlers).await.unwrap();
    assert_eq!(seen.lock().unwrap().len(), 2);
    let payloads: Vec<Value> =
        sqlx::query_scalar("SELECT payload FROM jobs").fetch_all(&mut app.database().await).await.unwrap();
    assert_eq!(payloads, [Value::Null, Value::Null], "its content is not kept");

    let sql = "UPDATE jobs SET finished_at = now() - interval '31 days'";
    sqlx::query(sql).execute(&mut app.database().await).await.unwrap();
    core_service::operations::upkeep::once(&app.state).await.unwrap();
    assert!(ask(&app, Some("welcome ada"), json!(5)).await);
}

#[tokio::test]
async fn a_failing_job_is_tried_later_and_later_then_dead_then_revived() {
    let app = TestApp::start_with(settings([("EVENTS__ATTEMPTS", "3"), ("EVENTS__FIRST_RETRY_MS", "3600000")])).await;
    let broken = Arc::new(AtomicBool::new(true));
    let breaks = broken.clone();
    let (handlers, seen) = handler(move |_| match breaks.load(Ordering::Relaxed) {
        true => Err(Failure::Passing(anyhow::anyhow!("the server is away"))),
        false => Ok(()),
    });
    ask(&app, Some("r"), json!({ "to": "ada" })).await;
    for attempt in 1..=3 {
        assert_eq!(events::run_due(&app.state, &handlers).await.unwrap(), 1);
        assert_eq!(events::run_due(&app.state, &handlers).await.unwrap(), 0, "not at once again");
        let state = if attempt < 3 { "waiting" } else { "dead" };
        assert_eq!(states(&app).await, [(state.to_owned(), attempt)]);
        make_due(&app).await;
    }
    assert_eq!(events::run_due(&app.state, &handlers).await.unwrap(), 0);
    let dead = events::dead(&app.state).await.unwrap();
    assert_eq!(dead[0].last_error.as_deref(), Some("the server is away"));
    assert_eq!(dead[0].payload, json!({ "to": "ada" }));
    let ids: Vec<Uuid> = seen.lock().unwrap().iter().map(|job| job.id).collect();
    assert_eq!(ids, [dead[0].id; 3], "an id to drop repeats by");

    broken.store(false, Ordering::Relaxed);
    assert_eq!(events::revive(&app.state, Some(Uuid::now_v7())).await.unwrap(), 0);
    assert_eq!(events::revive(&app.state, Some(dead[0].id)).await.unwrap(), 1);
    assert_eq!(events::run_due(&app.state, &handlers).await.unwrap(), 1);
    assert_eq!(states(&app).await, [("done".to_owned(), 1)]);
}

#[tokio::test]
async fn what_cannot_succeed_dies_at_once_and_a_panic_is_a_failure() {
    let app = TestApp::start().await;
    let (handlers, _) = handler(|job| match job.payload::<String>()?.as_str() {
        "final" => Err(Failure::Final(anyhow::anyhow!("no such thing"))),
        _ => panic!("the secret is 42"),
    });
    ask(&app, None, json!("final")).await;
    ask(&app, None, json!("panic")).await;
    ask(&app, None, json!({ "not": "a string" })).await;
    assert_eq!(events::run_due(&app.state, &handlers).await.unwrap(), 3);
    let told = states(&app).await.into_iter().map(|(state, _)| state).collect::<Vec<_>>();
    assert_eq!(told, ["dead", "waiting", "dead"]);
    let error: String = sqlx::query_scalar("SELECT last_error FROM jobs WHERE state = 'waiting'")
        .fetch_one(&mut app.database().await)
        .await
        .unwrap();
    assert_eq!(error, "it panicked");
}

#[tokio::test]
async fn workers_share_the_jobs_and_none_is_done_twice() {
    let app = TestApp::start().await;
    let (handlers, seen) = handler(|_| Ok(()));
    for n in 0..60 {
        ask(&app, None, json!(n)).await;
    }
    let others = [app.another().0, app.another().0, app.state.clone()];
    let done = others.iter().map(|state| events::run_due(state, &handlers));
    let done: usize = futures_util::future::join_all(done).await.into_iter().map(|done| done.unwrap()).sum();
    assert_eq!(done, 60);
    let mut numbers: Vec<i64> = seen.lock().unwrap().iter().map(|job| job.payload().unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..60).collect::<Vec<_>>());
}

/// The worker looks by itself only once an hour here: what wakes it is PostgreSQL, also after the connection broke.
#[tokio::test]
async fn a_commit_wakes_the_worker() {
    let app = TestApp::start_with(settings([("EVENTS__POLL_SECONDS", "3600")])).await;
    let (done, mut doing) = mpsc::unbounded_channel();
    let handlers = vec![Handler::new(QUEUE, move |_, job| {
        let done = done.clone();
        async move {
            done.send(job.payload::<i64>()?).unwrap();
            Ok(())
        }
    })];
    let (stop, stopped) = oneshot::channel::<()>();
    let worker = tokio::spawn(events::run(app.state.clone(), handlers, async { drop(stopped.await) }));
    let mut next =
        async || tokio::time::timeout(PATIENCE, doing.recv()).await.expect("nobody woke the worker").unwrap();
    for n in 0..3 {
        ask(&app, None, json!(n)).await;
        assert_eq!(next().await, n);
    }
    let cut = sqlx::query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND query LIKE 'LISTEN%'",
    );
    assert_eq!(cut.execute(&mut app.database().await).await.unwrap().rows_affected(), 1);
    ask(&app, None, json!(3)).await;
    assert_eq!(next().await, 3);
    drop(stop);
    worker.await.unwrap();
}

#[tokio::test]
async fn a_stopping_worker_lets_its_jobs_finish_and_takes_no_more() {
    let app = TestApp::start_with(settings([("EVENTS__WORKERS", "1")])).await;
    let (begun, mut beginning) = mpsc::unbounded_channel();
    let (go, going) = tokio::sync::watch::channel(false);
    let handlers = vec![Handler::new(QUEUE, move |_, _| {
        let (begun, mut going) = (begun.clone(), going.clone());
        async move {
            begun.send(()).unwrap();
            going.wait_for(|go| *go).await.unwrap();
            Ok(())
        }
    })];
    ask(&app, Some("first"), json!(1)).await;
    ask(&app, Some("second"), json!(2)).await;
    let (stop, stopped) = oneshot::channel::<()>();
    let worker = tokio::spawn(events::run(app.state.clone(), handlers, async { drop(stopped.await) }));
    tokio::time::timeout(PATIENCE, beginning.recv()).await.unwrap().unwrap();
    drop(stop);
    go.send_replace(true);
    tokio::time::timeout(PATIENCE, worker).await.unwrap().unwrap();
    let mut states: Vec<_> = states(&app).await.into_iter().map(|(state, _)| state).collect();
    states.sort();
    assert_eq!(states, ["done", "waiting"]);
}

/// A worker that dies in the middle: its job is due again after a while, and should the dead speak, nobody listens.
#[tokio::test]
async fn an_abandoned_job_is_done_by_another_worker() {
    let app = TestApp::start().await;
    let attempts = Arc::new(AtomicUsize::new(0));
    let counting = attempts.clone();
    let (release, released) = tokio::sync::watch::channel(false);
    let handlers = vec![Handler::new(QUEUE, move |_, job| {
        let (counting, mut released) = (counting.clone(), released.clone());
        async move {
            counting.fetch_add(1, Ordering::Relaxed);
            if job.attempt == 1 {
                released.wait_for(|released| *released).await.unwrap();
                return Err(Failure::Final(anyhow::anyhow!("the first attempt's word")));
            }
            Ok(())
        }
    })];
    ask(&app, Some("r"), json!(1)).await;
    let (state, first) = (app.state.clone(), handlers.clone());
    let hanging = tokio::spawn(async move { events::run_due(&state, &first).await });
    while attempts.load(Ordering::Relaxed) == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let other = app.another().0;
    assert_eq!(events::run_due(&other, &handlers).await.unwrap(), 0, "it is held");
    make_due(&app).await;
    assert_eq!(events::run_due(&other, &handlers).await.unwrap(), 1);
    release.send_replace(true);
    hanging.await.unwrap().unwrap();
    assert_eq!(states(&app).await, [("done".to_owned(), 2)]);
}

#[tokio::test]
async fn a_job_that_kills_its_workers_is_given_up() {
    let app = TestApp::start_with(settings([("EVENTS__ATTEMPTS", "2")])).await;
    let (handlers, seen) = handler(|_| Ok(()));
    ask(&app, None, json!(1)).await;
    sqlx::query("UPDATE jobs SET attempts = 2").execute(&mut app.database().await).await.unwrap();
    events::run_due(&app.state, &handlers).await.unwrap();
    assert!(seen.lock().unwrap().is_empty());
    assert_eq!(events::dead(&app.state).await.unwrap()[0].last_error.as_deref(), Some("no attempt came to an end"));
}

#[tokio::test]
async fn an_attempt_that_takes_too_long_is_given_up() {
    let app = TestApp::start_with(settings([("EVENTS__JOB_TIMEOUT_SECONDS", "1")])).await;
    let handlers = vec![Handler::new(QUEUE, |_, _| std::future::pending())];
    ask(&app, None, json!(1)).await;
    events::run_due(&app.state, &handlers).await.unwrap();
    let error: String =
        sqlx::query_scalar("SELECT last_error FROM jobs").fetch_one(&mut app.database().await).await.unwrap();
    assert_eq!(error, "it took too long");
}

#[tokio::test]
async fn jobs_of_unknown_queues_wait_for_a_worker_that_knows_them() {
    let app = TestApp::start().await;
    ask(&app, None, json!(1)).await;
    assert_eq!(events::run_due(&app.state, &[]).await.unwrap(), 0);
    assert_eq!(states(&app).await, [("waiting".to_owned(), 0)]);
}

#[tokio::test]
async fn only_workers_see_and_change_jobs() {
    let app = TestApp::start().await;
    ask(&app, Some("r"), json!(1)).await;
    for scope in [Scope::nobody(), Scope::user(Uuid::now_v7())] {
        let mut tx = app.state.database.begin(&scope).await.unwrap();
        let seen: i64 = sqlx::query_scalar("SELECT count(*) FROM jobs").fetch_one(&mut *tx).await.unwrap();
        assert_eq!(seen, 0);
        let changed = sqlx::query("UPDATE jobs SET attempts = 9").execute(&mut *tx).await.unwrap();
        assert_eq!(changed.rows_affected(), 0);
        let finished = "INSERT INTO jobs (id, queue, payload, state, finished_at)
                        VALUES (gen_random_uuid(), 'test', '1', 'done', now())";
        let error = sqlx::query(finished).execute(&mut *tx).await.unwrap_err();
        assert_eq!(error.as_database_error().unwrap().code().unwrap(), "42501");
    }
}
