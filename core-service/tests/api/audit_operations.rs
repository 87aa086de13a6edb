//! What operators and strangers do is in the trail as well.

use std::time::Duration;

use core_service::audit::verify;
use core_service::config::Config;
use core_service::edge::purges::Purge;
use core_service::{events, operations};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use url::Url;
use uuid::Uuid;

use crate::support::{TestApp, settings};

/// The events of an action that belong to nobody's trail or whomever's, oldest first.
async fn kept(connection: &mut PgConnection, action: &str) -> Vec<Value> {
    let sql = "SELECT to_jsonb(e) FROM audit_events e WHERE action = $1 ORDER BY id";
    sqlx::query_scalar(sql).bind(action).fetch_all(connection).await.unwrap()
}

/// Of an account that is there in its own trail, of one that is not as well; and each but once an hour.
#[tokio::test]
async fn guesses_that_are_refused_are_kept_once_an_hour() {
    let app = TestApp::start().await;
    let user = app.user().await;
    // As if guesses had been made all day.
    let busy = async || {
        let sql = "UPDATE guesses SET full_at = now() + interval '1 day'";
        sqlx::query(sql).execute(&mut app.database().await).await.unwrap();
    };
    let guess = async |email: &str, address: &str| {
        let wrong = json!({ "email": email, "password": "battery staple" });
        app.post("/api/v1/auth/login").json(wrong).from(address).send().await
    };
    for (email, address) in [(user.email.as_str(), "198.51.100.7"), ("nobody@example.org", "198.51.100.8")] {
        guess(email, address).await.problem(401, "invalid-credentials");
        busy().await;
        for _ in 0..3 {
            guess(email, address).await.problem(429, "too-many-attempts");
        }
    }
    let events = kept(&mut app.database().await, "guess.refused").await;
    assert_eq!(events.len(), 2, "{events:#?}");
    assert_eq!(events[0]["user_id"], user.id);
    assert_eq!((&events[0]["outcome"], &events[0]["actor"]), (&json!("denied"), &json!("anonymous")));
    assert_eq!(events[0]["address"], "198.51.100.7");
    assert_eq!(events[0]["details"], json!({ "path": "/api/v1/auth/login" }));
    assert_eq!(events[1]["user_id"], Value::Null);
    assert!(!events[1].to_string().contains("nobody@"));
    let own = app.get("/api/v1/me/audit").bearer(&user.access_token).send().await.expect(200).json();
    assert_eq!(own["items"][0]["action"], "guess.refused");
    // Somebody signed in who guesses at their own password.
    let prove = async || {
        let call = app.post("/api/v1/auth/step-up").bearer(&user.access_token);
        call.json(json!({ "password": "battery staple" })).send().await
    };
    prove().await.problem(422, "validation-failed");
    busy().await;
    prove().await.problem(429, "too-many-attempts");
    assert_eq!(kept(&mut app.database().await, "guess.refused").await.len(), 3);
}

#[tokio::test]
async fn purges_are_kept_whichever_way_they_came() {
    let app = TestApp::start_with(settings([("EDGE__PURGE_KEY", "a purge key of some length, 32 chars")])).await;
    let purge = Purge { tag: Some("tea".to_owned()), ..Purge::default() };
    purge.make(&app.state, "command").await.unwrap();
    let call = app.post("/api/v1/edge/purges").header("authorization", "Bearer a purge key of some length, 32 chars");
    call.json(json!({ "everything": true })).send().await.expect(201);
    let events = kept(&mut app.database().await, "cache.purged").await;
    let details: Vec<_> = events.iter().map(|event| event["details"].clone()).collect();
    assert_eq!(
        details,
        [
            json!({ "number": 1, "url": null, "tag": "tea", "everything": false, "soft": false, "by": "command" }),
            json!({ "number": 2, "url": null, "tag": null, "everything": true, "soft": false, "by": "key" }),
        ]
    );
    assert!(events.iter().all(|event| event["actor"] == "operator"));
    assert_eq!(events[1]["address"], "192.0.2.1");
}

/// Once, however many cores follow the file.
#[tokio::test(flavor = "multi_thread")]
async fn a_published_gateway_file_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gateway.toml");
    std::fs::write(&file, "").unwrap();
    let app = TestApp::start_with(settings([("EDGE__GATEWAY_FILE", file.to_str().unwrap())])).await;
    let (another, _) = app.another();
    for state in [app.state.clone(), another] {
        tokio::spawn(core_service::edge::gateway::watch::run(state));
    }
    let mut connection = app.database().await;
    let mut until = async |text: &str| {
        let sha256 = Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        for _ in 0..1500 {
            let events = kept(&mut connection, "gateway.published").await;
            if events.last().is_some_and(|event| event["details"]["sha256"] == sha256) {
                return events;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("`{text}` is not told");
    };
    until("").await;
    std::fs::write(&file, "# another").unwrap();
    let events = until("# another").await;
    assert!(events.iter().all(|event| event["actor"] == "system"));
    assert!(events.windows(2).all(|pair| pair[0]["details"]["sha256"] != pair[1]["details"]["sha256"]), "{events:#?}");
}

#[tokio::test]
async fn looking_at_dead_jobs_and_at_the_trail_is_kept() {
    let app = TestApp::start().await;
    events::dead(&app.state).await.unwrap();
    let found = verify::by_command(&app.state, &[]).await.unwrap();
    assert!(found.wrong.is_empty(), "{:?}", found.wrong);
    let mut connection = app.database().await;
    assert_eq!(kept(&mut connection, "jobs.listed").await[0]["details"], json!({ "count": 0 }));
    let verified = kept(&mut connection, "audit.verified").await;
    assert_eq!(verified[0]["details"], json!({ "good": found.good, "wrong": 0 }));
    assert!(verify::verify(&app.state, &found.heads).await.unwrap().wrong.is_empty());
}

#[tokio::test]
async fn a_migration_is_kept_and_nothing_if_there_was_none() {
    let server: Url = std::env::var("BREAKWATER_TEST_POSTGRES").unwrap().parse().unwrap();
    let name = format!("migrated_{}", Uuid::now_v7().simple());
    let mut superuser = PgConnection::connect(server.as_str()).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut superuser).await.unwrap();
    let (mut owner, mut service) = (server.clone(), server.clone());
    owner.set_path(&name);
    service.set_path(&name);
    service.set_username("breakwater_service").unwrap();
    service.set_password(Some("breakwater_service")).unwrap();
    let own = settings([("DATABASE__URL", service.as_str()), ("DATABASE__OWNER_URL", owner.as_str())]);
    let config = Config::load_with(None, own).unwrap().database;
    for _ in 0..2 {
        operations::migrate::run(&config).await.unwrap();
    }
    let mut connection = PgConnection::connect(owner.as_str()).await.unwrap();
    let events = kept(&mut connection, "database.migrated").await;
    assert_eq!(events.len(), 1, "{events:#?}");
    assert_eq!((&events[0]["actor"], &events[0]["details"]["from"]), (&json!("operator"), &Value::Null));
    assert!(events[0]["details"]["to"].as_i64().unwrap() >= 46);
    connection.close().await.unwrap();
    let drop = format!("DROP DATABASE {name} WITH (FORCE)");
    sqlx::raw_sql(AssertSqlSafe(drop)).execute(&mut superuser).await.unwrap();
}
