//! Signing keys: published before they sign, kept while their tokens live.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::support::{Call, TestApp};
use core_service::identity;

async fn published(app: &TestApp) -> Vec<Value> {
    let answer = app.get("/.well-known/jwks.json").send().await.expect(200);
    assert_eq!(answer.header("cache-control"), "public, max-age=60");
    answer.json()["keys"].as_array().unwrap().clone()
}

fn ids(keys: &[Value]) -> HashSet<String> {
    keys.iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

fn kid_of(token: &str) -> String {
    jsonwebtoken::decode_header(token).unwrap().kid.unwrap()
}

#[tokio::test]
async fn two_keys_are_published_and_nothing_private() {
    let app = TestApp::start().await;
    let keys = published(&app).await;
    assert_eq!(ids(&keys).len(), 2);
    for key in &keys {
        assert_eq!((&key["kty"], &key["crv"], &key["alg"]), (&"OKP".into(), &"Ed25519".into(), &"EdDSA".into()));
        assert_eq!(key["use"], "sig");
        assert!(key.get("d").is_none());
    }
    let sealed: Vec<Vec<u8>> =
        sqlx::query_scalar("SELECT private_key FROM signing_keys").fetch_all(&mut app.database().await).await.unwrap();
    // PKCS #8 begins with a SEQUENCE that holds version 0; what is stored does not.
    assert!(sealed.iter().all(|key| !key.windows(5).any(|w| w == [0x30, 0x2e, 2, 1, 0])));
}

#[tokio::test]
async fn after_a_rotation_the_next_key_signs_and_old_tokens_live_on() {
    let app = TestApp::start().await;
    let before = app.user().await;
    let keys_before = ids(&published(&app).await);
    identity::rotate_keys(&app.state).await.unwrap();
    let keys_after = ids(&published(&app).await);
    assert_eq!(keys_after.len(), 3);
    assert!(keys_after.is_superset(&keys_before));
    let after = app.sign_in(&before).await;
    let (old, new) = (kid_of(&before.access_token), kid_of(&after.access_token));
    assert_ne!(old, new);
    assert!(keys_before.contains(&new), "it was published before it signed");
    for token in [&before.access_token, &after.access_token] {
        app.get("/api/v1/me").bearer(token).send().await.expect(200);
    }
    // When the last token of the old key is dead, the key goes.
    sqlx::query("UPDATE signing_keys SET verifies_until = now() WHERE state = 'previous'")
        .execute(&mut app.database().await)
        .await
        .unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    assert!(!ids(&published(&app).await).contains(&old));
    app.get("/api/v1/me").bearer(&before.access_token).send().await.problem(401, "invalid-token");
    identity::upkeep(&app.state).await.unwrap();
    let left: i64 =
        sqlx::query_scalar("SELECT count(*) FROM signing_keys").fetch_one(&mut app.database().await).await.unwrap();
    assert_eq!(left, 2);
}

#[tokio::test]
async fn a_key_is_rotated_when_it_is_old() {
    let app = TestApp::start().await;
    let before = kid_of(&app.user().await.access_token);
    identity::upkeep(&app.state).await.unwrap();
    assert_eq!(kid_of(&app.user().await.access_token), before, "not yet");
    sqlx::query("UPDATE signing_keys SET current_since = now() - interval '31 days' WHERE state = 'current'")
        .execute(&mut app.database().await)
        .await
        .unwrap();
    identity::upkeep(&app.state).await.unwrap();
    assert_ne!(kid_of(&app.user().await.access_token), before);
}

#[tokio::test]
async fn a_key_that_cannot_be_rotated_keeps_nothing_else_from_being_forgotten() {
    let app = TestApp::start().await;
    let user = app.user().await;
    let body = json!({"email": "other@example.com", "password": "difference engine no. 2"});
    app.post("/api/v1/auth/register").header("idempotency-key", "key-1").json(body).send().await.expect(201);
    let mut database = app.database().await;
    for statement in [
        "UPDATE signing_keys SET current_since = now() - interval '31 days' WHERE state = 'current'",
        "UPDATE sessions SET expires_at = now() - interval '8 days'",
        "UPDATE idempotency_keys SET created_at = now() - interval '25 hours'",
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not now'; END $$",
        "CREATE TRIGGER refuse BEFORE UPDATE ON signing_keys EXECUTE FUNCTION refuse()",
    ] {
        sqlx::query(statement).execute(&mut database).await.unwrap();
    }
    let error = core_service::operations::upkeep::once(&app.state).await.unwrap_err();
    assert!(format!("{error:#}").contains("not now"), "{error:#}");
    for table in ["sessions", "idempotency_keys"] {
        let count = sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
        let left: i64 = sqlx::query_scalar(count).fetch_one(&mut database).await.unwrap();
        assert_eq!(left, 0, "{table}");
    }
    sqlx::query("DROP TRIGGER refuse ON signing_keys").execute(&mut database).await.unwrap();
    core_service::operations::upkeep::once(&app.state).await.unwrap();
    assert_ne!(kid_of(&app.user().await.access_token), kid_of(&user.access_token));
}

/// A second rotation would sign with a key that nobody has heard of yet.
#[tokio::test]
async fn cores_that_find_a_key_old_together_rotate_it_once() {
    let app = TestApp::start().await;
    published(&app).await;
    sqlx::query("UPDATE signing_keys SET current_since = now() - interval '31 days' WHERE state = 'current'")
        .execute(&mut app.database().await)
        .await
        .unwrap();
    let racing = (0..4).map(|_| identity::upkeep(&app.state));
    futures_util::future::try_join_all(racing).await.unwrap();
    assert_eq!(ids(&published(&app).await).len(), 3);
}

#[tokio::test]
async fn cores_that_start_together_agree_on_the_keys() {
    let app = TestApp::start().await;
    let routers: Vec<_> = (0..6).map(|_| app.another().1).collect();
    let asked =
        routers.iter().map(|router| Call::new(router.clone(), http::Method::GET, "/.well-known/jwks.json").send());
    let answers = futures_util::future::join_all(asked).await;
    let distinct: HashSet<_> = answers.iter().map(|answer| answer.body.clone()).collect();
    assert_eq!(distinct.len(), 1);
    assert_eq!(published(&app).await.len(), 2);
}

#[tokio::test]
async fn another_algorithm_takes_over_and_old_tokens_live_on() {
    let app = TestApp::start().await;
    let user = app.user().await;
    let mut config = app.config.clone();
    config.identity.algorithm = core_service::config::SigningAlgorithm::Es256;
    let (_, router) = core_service::app::build(config).unwrap();
    let ask = |path| Call::new(router.clone(), http::Method::GET, path);
    ask("/api/v1/me").bearer(&user.access_token).send().await.expect(200);
    let keys = ask("/.well-known/jwks.json").send().await.json();
    let mut algorithms: Vec<_> =
        keys["keys"].as_array().unwrap().iter().map(|key| key["alg"].as_str().unwrap()).collect();
    algorithms.sort();
    assert_eq!(algorithms, ["ES256", "ES256", "EdDSA"]);
}

#[tokio::test]
async fn another_secret_cannot_read_the_keys() {
    let app = TestApp::start().await;
    app.user().await;
    let mut config = app.config.clone();
    config.identity.secret_key = Some(core_service::config::Secret::new("A".repeat(43)));
    let (_, router) = core_service::app::build(config).unwrap();
    let answer = Call::new(router, http::Method::GET, "/.well-known/jwks.json").send().await;
    answer.problem(503, "overloaded");
}
