//! Encryption at rest: data keys, master keys in the configuration and in KMS, and how both are replaced.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use core_service::app::{self, AppState};
use core_service::config::Config;
use core_service::operations::{encryption, upkeep};
use http::Method;
use serde_json::{Value, json};

use crate::accounts::mfa;
use crate::support::{Call, Settings, TestApp, User, settings};

/// What is stored, by table; every kind of it once or more.
async fn with_all_kinds(app: &TestApp) -> (User, Vec<u8>, String) {
    let (user, seed) = mfa::with_app(app).await;
    // A mail that waits, and an answer that is kept.
    app.post("/api/v1/auth/password-reset").json(json!({ "email": user.email })).send().await.expect(202);
    let made = app.post("/api/v1/workspaces").bearer(&user.access_token).header("idempotency-key", "one");
    let made = made.json(json!({ "name": "W" })).send().await.expect(201);
    (user, seed, made.json()["id"].as_str().unwrap().to_owned())
}

/// Sees to it that everything that was stored is still what it was.
async fn all_is_readable(app: &TestApp, state: &AppState, kinds: &(User, Vec<u8>, String), later: u64) {
    let (user, seed, workspace) = kinds;
    let router = app::build(state.config.clone()).unwrap().1;
    let post = |path: &str| Call::new(router.clone(), Method::POST, path);
    let again = post("/api/v1/workspaces").bearer(&user.access_token).header("idempotency-key", "one");
    let again = again.json(json!({ "name": "W" })).send().await.expect(201);
    assert_eq!((again.json()["id"].as_str(), again.header("idempotency-replayed")), (Some(&workspace[..]), "true"));
    let login = json!({ "email": user.email, "password": user.password });
    let challenge = post("/api/v1/auth/login").json(login).send().await.problem(401, "mfa-required");
    let challenge = challenge["mfa"]["challenge"].as_str().unwrap().to_owned();
    let answer = json!({ "challenge": challenge, "method": "totp", "code": mfa::code(seed, later) });
    post("/api/v1/auth/mfa").json(answer).send().await.expect(200);
    let mails = app.mails().len();
    core_service::events::run_due(state, &app::handlers()).await.unwrap();
    assert!(app.mails().len() >= mails);
    let dead = core_service::events::dead(state).await.unwrap();
    assert!(dead.is_empty());
}

/// The ids of the keys that values of each kind were encrypted with.
async fn keys_used(app: &TestApp) -> Vec<(String, Option<i32>)> {
    sqlx::query_as("SELECT DISTINCT place, key_id FROM sealed_values ORDER BY 1, 2")
        .fetch_all(&mut app.database().await)
        .await
        .unwrap()
}

fn everywhere(key: i32) -> Vec<(String, Option<i32>)> {
    ["idempotency_keys", "jobs", "second_factors", "signing_keys"].map(|place| (place.to_owned(), Some(key))).into()
}

async fn masters(state: &AppState) -> Vec<String> {
    state.vault.data_keys().await.unwrap().into_iter().map(|key| key.master).collect()
}

/// A core over the same database, with other settings.
fn with(app: &TestApp, change: impl FnOnce(&mut Config)) -> AppState {
    let mut config = app.config.clone();
    change(&mut config);
    app::build(config).unwrap().0
}

fn key(byte: u8) -> String {
    URL_SAFE_NO_PAD.encode([byte; 32])
}

fn secret(byte: u8) -> Option<core_service::config::Secret> {
    Some(core_service::config::Secret::new(key(byte)))
}

/// Lets time pass for keys that retired.
async fn after_the_hour(app: &TestApp) {
    sqlx::query("UPDATE data_keys SET retired_at = retired_at - interval '61 minutes'")
        .execute(&mut app.database().await)
        .await
        .unwrap();
    upkeep::once(&app.state).await.unwrap();
}

async fn ids(app: &TestApp) -> Vec<i32> {
    sqlx::query_scalar("SELECT id FROM data_keys ORDER BY id").fetch_all(&mut app.database().await).await.unwrap()
}

#[tokio::test]
async fn everything_names_its_key_and_a_rotation_is_finished_by_encrypting_anew() {
    let app = TestApp::start().await;
    let kinds = with_all_kinds(&app).await;
    assert_eq!(keys_used(&app).await, everywhere(1));

    assert_eq!(encryption::rotate(&app.state).await.unwrap(), 2);
    assert_eq!(keys_used(&app).await, everywhere(1), "a rotation touches no value");
    // A core that was started since encrypts with the new key, and reads what the old one encrypted.
    let another = app.another().0;
    all_is_readable(&app, &another, &kinds, 1).await;
    after_the_hour(&app).await;
    assert_eq!(ids(&app).await, [1, 2], "a key that is needed is kept");

    let kinds = with_all_kinds(&app).await;
    let done = encryption::reencrypt(&another).await.unwrap();
    assert_eq!(done.unreadable, 0);
    for (kind, count) in [
        ("signing keys", done.signing_keys),
        ("seeds", done.second_factors),
        ("answers", done.idempotency_keys),
        ("mails", done.jobs),
    ] {
        assert!(count > 0, "no {kind} were encrypted anew: {done:?}");
    }
    assert_eq!(keys_used(&app).await, everywhere(2));
    all_is_readable(&app, &app.state, &kinds, 1).await;
    assert_eq!(ids(&app).await, [1, 2], "not within the hour");
    after_the_hour(&app).await;
    assert_eq!(ids(&app).await, [2]);
    // Nothing is left to do.
    let again = encryption::reencrypt(&another).await.unwrap();
    assert_eq!((again.signing_keys, again.second_factors, again.unreadable), (0, 0, 0));
}

#[tokio::test]
async fn a_core_finds_a_key_that_another_made() {
    let app = TestApp::start().await;
    app.user().await;
    let other = app.another().0;
    other.vault.ready().await.unwrap();
    encryption::rotate(&app.state).await.unwrap();
    let sealed = app.another().0.vault.seal(b"about", b"plain").await.unwrap();
    assert_eq!(sealed[..5], [1, 0, 0, 0, 2]);
    assert_eq!(other.vault.open(b"about", &sealed).await.unwrap(), b"plain");
}

#[tokio::test]
async fn cores_that_start_together_make_one_key() {
    let app = TestApp::start().await;
    let cores: Vec<_> = (0..6).map(|_| app.another().0).collect();
    let ready: Vec<_> = cores.iter().map(|core| core.vault.ready()).collect();
    for ready in futures_util::future::join_all(ready).await {
        ready.unwrap();
    }
    assert_eq!(ids(&app).await, [1]);
}

#[tokio::test]
async fn what_was_encrypted_before_there_were_data_keys_is_read_and_encrypted_anew() {
    let app = TestApp::start().await;
    let kinds = with_all_kinds(&app).await;
    let mut database = app.database().await;
    // As versions before data keys stored it: a nonce, and what AES-256-GCM makes of it with a key of the secret's own.
    let rows: Vec<(String, Vec<u8>)> =
        sqlx::query_as("SELECT kid, private_key FROM signing_keys").fetch_all(&mut database).await.unwrap();
    for (kid, sealed) in rows {
        let plain = app.state.vault.open(kid.as_bytes(), &sealed).await.unwrap();
        sqlx::query("UPDATE signing_keys SET private_key = $2 WHERE kid = $1")
            .bind(&kid)
            .bind(sealed_as_before(&[9; 32], kid.as_bytes(), &plain))
            .execute(&mut database)
            .await
            .unwrap();
    }
    all_is_readable(&app, &app.another().0, &kinds, 1).await;
    assert_eq!(encryption::reencrypt(&app.state).await.unwrap().signing_keys, 2);
    assert_eq!(keys_used(&app).await.last().unwrap(), &("signing_keys".to_owned(), Some(1)));
    app.another().0.identity.live(&app.another().0).await.unwrap();
}

fn sealed_as_before(root: &[u8; 32], about: &[u8], plain: &[u8]) -> Vec<u8> {
    use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &core_service::vault::mac(root, &[b"sealing"])).unwrap());
    let nonce = core_service::vault::random::<12>().unwrap();
    let mut sealed = plain.to_vec();
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(about), &mut sealed).unwrap();
    [&nonce[..], &sealed].concat()
}

#[tokio::test]
async fn a_value_that_cannot_be_read_is_left_and_told() {
    let app = TestApp::start().await;
    with_all_kinds(&app).await;
    sqlx::query("UPDATE second_factors SET seed = set_byte(seed, 20, get_byte(seed, 20) # 1)")
        .execute(&mut app.database().await)
        .await
        .unwrap();
    encryption::rotate(&app.state).await.unwrap();
    let done = encryption::reencrypt(&app.state).await.unwrap();
    assert_eq!((done.second_factors, done.unreadable), (0, 1));
    assert!(done.signing_keys > 0);
    after_the_hour(&app).await;
    assert_eq!(ids(&app).await, [1, 2], "the key stays, in case the value can be mended");
}

#[tokio::test]
async fn a_master_key_is_replaced_while_the_one_before_still_opens() {
    let app = TestApp::start().await;
    app.user().await;
    let first = masters(&app.state).await;
    // Not known any more, and no word of what to do: the core is not ready, and says so.
    let lost = with(&app, |config| config.identity.secret_key = secret(1));
    lost.vault.ready().await.unwrap_err();

    let own = with(&app, |config| config.encryption.master_key = secret(2));
    own.vault.ready().await.unwrap();
    assert_eq!(masters(&own).await, first, "nothing happens by itself");
    assert_eq!(encryption::rewrap(&own).await.unwrap(), 1);
    let second = masters(&own).await;
    assert_ne!(second, first);

    // From here on, identity.secret_key may be replaced as well.
    let next = with(&app, |config| {
        config.identity.secret_key = secret(1);
        config.encryption.master_key = secret(3);
        config.encryption.previous_master_key = secret(2);
    });
    next.identity.live(&next).await.unwrap();
    encryption::rewrap(&next).await.unwrap();
    let done = with(&app, |config| {
        config.identity.secret_key = secret(1);
        config.encryption.master_key = secret(3);
    });
    done.identity.live(&done).await.unwrap();
    with(&app, |config| config.encryption.master_key = secret(2)).vault.ready().await.unwrap_err();
}

#[tokio::test]
async fn operators_commands_are_in_the_trail() {
    let app = TestApp::start().await;
    app.user().await;
    encryption::rotate(&app.state).await.unwrap();
    encryption::rewrap(&app.state).await.unwrap();
    encryption::reencrypt(&app.state).await.unwrap();
    let events: Vec<(String, Value)> = sqlx::query_as(
        "SELECT action, details FROM audit_events WHERE action LIKE 'data%' AND actor = 'operator' ORDER BY at",
    )
    .fetch_all(&mut app.database().await)
    .await
    .unwrap();
    let names: Vec<_> = events.iter().map(|(action, _)| action.as_str()).collect();
    assert_eq!(names, ["data-key.rotated", "data-keys.rewrapped", "data.reencrypted"]);
    assert_eq!((&events[0].1["id"], &events[1].1["count"]), (&json!(2), &json!(2)));
    assert_eq!(events[2].1["signing_keys"], 2);
}

/// What the KMS that `cargo xtask test` started says of itself.
fn kms() -> Value {
    let file = std::env::var("BREAKWATER_TEST_KMS").expect("BREAKWATER_TEST_KMS names no file: run `cargo xtask test`");
    serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()
}

fn kms_settings(key: &str) -> Settings {
    let kms = kms();
    let text = |member: &str| kms[member].as_str().unwrap().to_owned();
    settings([
        ("ENCRYPTION__MASTER", "kms"),
        ("ENCRYPTION__KMS__KEY", key),
        ("ENCRYPTION__KMS__REGION", &text("region")),
        ("ENCRYPTION__KMS__ENDPOINT", &text("endpoint")),
        ("ENCRYPTION__KMS__ACCESS_KEY_ID", &text("access_key_id")),
        ("ENCRYPTION__KMS__SECRET_ACCESS_KEY", &text("secret_access_key")),
    ])
}

#[tokio::test]
async fn a_master_key_in_kms_wraps_and_opens_and_gives_way_to_another() {
    let keys = kms()["keys"].clone();
    let [first, second] = [0, 1].map(|at| keys[at].as_str().unwrap());
    let app = TestApp::start_with(kms_settings(first)).await;
    let kinds = with_all_kinds(&app).await;
    assert_eq!(masters(&app.state).await, [format!("kms:{first}")]);
    all_is_readable(&app, &app.another().0, &kinds, 1).await;

    // To another key of KMS, then to one of ours, which opens without KMS.
    let other = with(&app, |config| config.encryption.kms.as_mut().unwrap().key = second.to_owned());
    encryption::rewrap(&other).await.unwrap();
    assert_eq!(masters(&app.state).await, [format!("kms:{second}")]);
    app.another().0.vault.ready().await.unwrap();
    let local = with(&app, |config| config.encryption.master = core_service::config::Master::Key);
    encryption::rewrap(&local).await.unwrap();
    with(&app, |config| {
        config.encryption.master = core_service::config::Master::Key;
        config.encryption.kms = None;
    })
    .vault
    .ready()
    .await
    .unwrap();
}

#[tokio::test]
async fn who_cannot_sign_gets_nothing_from_kms() {
    let keys = kms()["keys"].clone();
    let app = TestApp::start_with(kms_settings(keys[0].as_str().unwrap())).await;
    app.state.vault.ready().await.unwrap();
    let wrong = with(&app, |config| {
        config.encryption.kms.as_mut().unwrap().secret_access_key = core_service::config::Secret::new("wrong");
    });
    wrong.vault.ready().await.unwrap_err();
    // Nor does a core without a KMS that can be reached become ready; what has its keys goes on.
    let away = with(&app, |config| {
        config.encryption.kms.as_mut().unwrap().endpoint = "http://127.0.0.1:9/".parse().unwrap();
    });
    away.vault.ready().await.unwrap_err();
    let router = app::build(away.config.clone()).unwrap().1;
    Call::new(router, Method::GET, "/readyz").send().await.problem(503, "overloaded");
    let sealed = app.state.vault.seal(b"a", b"b").await.unwrap();
    assert_eq!(app.state.vault.open(b"a", &sealed).await.unwrap(), b"b");
}
