//! Edges that wait for a new snapshot, and what they are told.

use std::time::{Duration, Instant};

use crate::support::{Answer, Call, TestApp};

const PATH: &str = "/edge/v1/snapshot";

/// Longer than any of these tests should take, shorter than what the core allows itself.
const LONG: &str = "wait=13";

async fn wait(app: &TestApp, etag: &str, preference: &'static str) -> Answer {
    app.get(PATH).header("if-none-match", etag).header("prefer", preference).send().await
}

async fn etag(app: &TestApp) -> String {
    app.get(PATH).send().await.expect(200).header("etag").to_owned()
}

/// Until the database has a listener of this app's.
async fn until_listened(app: &TestApp) {
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'";
    let mut database = app.database().await;
    for _ in 0..500 {
        let count: i64 = sqlx::query_scalar(sql).fetch_one(&mut database).await.unwrap();
        if count > 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("nobody listens");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_core_did_is_told_at_once() {
    let app = TestApp::start().await;
    let user = app.user().await;
    tokio::spawn(core_service::edge::news::listen(app.state.clone()));
    until_listened(&app).await;
    let (_, another) = app.another();
    let mut took = Vec::new();
    for _ in 0..7 {
        let user = app.sign_in(&user).await;
        let known = etag(&app).await;
        let waiting = wait(&app, &known, LONG);
        let ended = async {
            // The edge waits by now; if it did not, it would hear all the same.
            tokio::time::sleep(Duration::from_millis(50)).await;
            let out = Call::new(another.clone(), http::Method::POST, "/api/v1/auth/logout");
            out.bearer(&user.access_token).send().await.expect(204);
            Instant::now()
        };
        let (answer, since) = tokio::join!(waiting, ended);
        took.push(since.elapsed());
        let answer = answer.expect(200);
        assert_eq!(answer.header("preference-applied"), LONG);
        assert_ne!(answer.header("etag"), known);
        let revoked = answer.json()["authentication"]["revoked_sessions"].as_array().unwrap().len();
        assert!(revoked >= took.len(), "{revoked}");
    }
    took.sort();
    println!("an end at another core was told after {:?} (median), {:?} at the most", took[3], took[6]);
}

/// The notice itself, apart from what anybody makes of it.
#[tokio::test]
async fn the_database_tells_of_sessions_and_keys() {
    let app = TestApp::start().await;
    let user = app.user().await;
    let mut listener = app.state.database.listen("breakwater_edge").await.unwrap();
    let mut heard = async || tokio::time::timeout(Duration::from_secs(10), listener.recv()).await.unwrap().unwrap();
    app.post("/api/v1/auth/logout").bearer(&user.access_token).send().await.expect(204);
    heard().await;
    core_service::identity::rotate_keys(&app.state).await.unwrap();
    heard().await;
}

#[tokio::test]
async fn without_news_the_answer_is_that_there_is_none() {
    let app = TestApp::start().await;
    let known = etag(&app).await;
    let answer = wait(&app, &known, "respond-async, wait=1").await.expect(304);
    assert_eq!(answer.header("preference-applied"), "wait=1");
    assert_eq!(answer.header("etag"), known);
    // A snapshot that the edge does not have is not held back.
    wait(&app, "\"another\"", LONG).await.expect(200);
    for odd in ["wait=", "wait=-1", "wait=1s", "wait"] {
        let answer = app.get(PATH).header("if-none-match", &known).header("prefer", odd).send().await.expect(304);
        assert!(!answer.headers.contains_key("preference-applied"), "{odd}");
    }
}

#[tokio::test]
async fn a_core_that_stops_keeps_no_edge_waiting() {
    let app = TestApp::start().await;
    let known = etag(&app).await;
    let stop = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        app.state.edge.stop();
    };
    let both = async { tokio::join!(wait(&app, &known, LONG), stop) };
    let (answer, ()) = tokio::time::timeout(Duration::from_secs(12), both).await.unwrap();
    assert!(answer.expect(304).body.is_empty());
}
