//! Faults: the database away, slow or broken requests.

use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::get;
use serde_json::json;
use url::Url;
use uuid::Uuid;

use crate::support::{Call, Proxy, TestApp, TestDatabase, settings};
use core_service::database::Scope;
use core_service::http::layers;

#[tokio::test]
async fn while_the_database_is_away_requests_are_answered_503_and_then_it_recovers() {
    let database = TestDatabase::new().await;
    let (proxy, url) = proxied(&database).await;
    let own = settings([("DATABASE__URL", url.as_str()), ("DATABASE__ACQUIRE_TIMEOUT_MS", "500")]);
    let app = TestApp::start_with(own).await;
    let user = app.user().await;
    let ask = || app.get("/api/v1/me").bearer(&user.access_token).send();
    ask().await.expect(200);
    proxy.cut();
    let login = json!({ "email": user.email, "password": user.password });
    for _ in 0..3 {
        let started = Instant::now();
        let answer = app.post("/api/v1/auth/login").json(login.clone()).send().await;
        assert_eq!(answer.header("retry-after"), "1");
        answer.problem(503, "database-unavailable");
        assert!(started.elapsed() < Duration::from_secs(10), "no hanging");
        ask().await.problem(503, "database-unavailable");
        app.get("/readyz").unlinked().send().await.problem(503, "database-unavailable");
        app.get("/healthz").unlinked().send().await.expect(200);
    }
    proxy.mend();
    ask().await.expect(200);
    app.get("/readyz").unlinked().send().await.expect(200);
    app.post("/api/v1/auth/login").json(login).send().await.expect(200);
}

#[tokio::test]
async fn it_starts_while_the_database_is_away() {
    let own = settings([
        ("DATABASE__URL", "postgres://breakwater_service@127.0.0.1:9/none"),
        ("DATABASE__ACQUIRE_TIMEOUT_MS", "300"),
    ]);
    let app = TestApp::start_with(own).await;
    app.get("/healthz").unlinked().send().await.expect(200);
    app.get("/readyz").unlinked().send().await.problem(503, "database-unavailable");
    app.get("/.well-known/jwks.json").send().await.problem(503, "database-unavailable");
    app.get("/api/openapi.json").send().await.expect(200);
}

#[tokio::test]
async fn connections_that_died_in_the_pool_are_noticed_before_a_request_uses_them() {
    let app = TestApp::start().await;
    let user = app.user().await;
    // Several connections, all idle.
    let ask = || app.get("/api/v1/me").bearer(&user.access_token).send();
    futures_util::future::join_all((0..20).map(|_| ask())).await;
    sqlx::query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )
    .execute(&mut app.database().await)
    .await
    .unwrap();
    for answer in futures_util::future::join_all((0..20).map(|_| ask())).await {
        answer.expect(200);
    }
}

/// A client that hangs up cancels its request wherever that is.
#[tokio::test]
async fn who_leaves_while_a_transaction_begins_leaves_nothing_of_it_to_the_next() {
    let database = TestDatabase::new().await;
    let (proxy, url) = proxied(&database).await;
    let own = settings([("DATABASE__URL", url.as_str()), ("DATABASE__MAX_CONNECTIONS", "1")]);
    let app = TestApp::start_with(own).await;
    proxy.hold_after("BEGIN READ ONLY");
    let user = Scope::user(Uuid::now_v7());
    tokio::select! {
        begun = app.state.database.begin_read(&user) => panic!("answered: {:?}", begun.err()),
        () = proxy.held() => {}
    }
    proxy.mend();
    let mut tx = app.state.database.begin(&Scope::nobody()).await.unwrap();
    let (user, read_only): (String, String) = sqlx::query_as(
        "SELECT coalesce(current_setting('breakwater.user_id', true), ''), current_setting('transaction_read_only')",
    )
    .fetch_one(&mut *tx)
    .await
    .unwrap();
    assert_eq!((&*user, &*read_only), ("", "off"), "the transaction of who left goes on");
}

/// A proxy before the database, and the service's URL through it.
async fn proxied(database: &TestDatabase) -> (Proxy, Url) {
    let mut url = database.service_url();
    let proxy = Proxy::before(format!("{}:{}", url.host_str().unwrap(), url.port().unwrap_or(5432))).await;
    url.set_host(Some("127.0.0.1")).unwrap();
    url.set_port(Some(proxy.address.port())).unwrap();
    (proxy, url)
}

#[tokio::test]
async fn a_role_that_bypasses_row_level_security_is_not_served_with() {
    let database = TestDatabase::new().await;
    let mut url = database.service_url();
    let superuser: url::Url = std::env::var("BREAKWATER_TEST_POSTGRES").unwrap().parse().unwrap();
    url.set_username(superuser.username()).unwrap();
    url.set_password(superuser.password()).unwrap();
    let own = settings([("DATABASE__URL", url.as_str()), ("DATABASE__ACQUIRE_TIMEOUT_MS", "300")]);
    let app = TestApp::start_with(own).await;
    let answer = app.get("/readyz").unlinked().send().await;
    assert!(answer.status.is_server_error(), "{answer:?}");
}

async fn with_route(
    app: &TestApp,
    path: &'static str,
    route: axum::routing::MethodRouter<core_service::app::AppState>,
) -> Call {
    let router = layers::around(Router::new().route(path, route), app.state.clone());
    Call::new(router, http::Method::GET, path)
}

#[tokio::test]
async fn a_panic_is_a_500_that_tells_nothing() {
    let app = TestApp::start().await;
    async fn panics() -> &'static str {
        panic!("the secret is 42")
    }
    let call = with_route(&app, "/panic", get(panics)).await;
    let problem = call.send().await.problem(500, "internal");
    assert!(!problem.to_string().contains("secret"));
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_given_up() {
    let app = TestApp::start_with(settings([("HTTP__REQUEST_TIMEOUT_SECONDS", "1")])).await;
    let slow = get(async || tokio::time::sleep(Duration::from_secs(30)).await);
    let answer = with_route(&app, "/slow", slow).await.send().await;
    assert_eq!(answer.header("retry-after"), "1");
    answer.problem(503, "overloaded");
}

#[tokio::test]
async fn row_level_security_stands_behind_the_queries() {
    let app = TestApp::start().await;
    let (user, other) = (app.user().await, app.user().await);
    let scope = core_service::database::Scope::user(user.id.parse().unwrap());
    let count = async |scope: &core_service::database::Scope, table: &str| -> i64 {
        let mut tx = app.state.database.begin(scope).await.unwrap();
        let sql = sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
        sqlx::query_scalar(sql).fetch_one(&mut *tx).await.unwrap()
    };
    assert_eq!(count(&scope, "users").await, 1);
    assert_eq!(count(&scope, "sessions").await, 1);
    let nobody = core_service::database::Scope::nobody();
    for table in [
        "users",
        "sessions",
        "passwords",
        "refresh_tokens",
        "signing_keys",
        "idempotency_keys",
        "jobs",
        "mailed_codes",
        "registrations",
        "guesses",
        "known_networks",
        "ended_sessions",
        "second_factors",
        "recovery_codes",
        "sign_in_codes",
        "mfa_challenges",
        "trusted_devices",
        "passkeys",
        "passkey_challenges",
    ] {
        assert_eq!(count(&nobody, table).await, 0, "{table}");
    }
    for table in ["passwords", "refresh_tokens", "signing_keys", "mailed_codes", "registrations"] {
        assert_eq!(count(&scope, table).await, 0, "{table}");
    }
    let mut tx = app.state.database.begin(&scope).await.unwrap();
    let changed = sqlx::query("UPDATE users SET display_name = 'Eve' WHERE id = $1::uuid")
        .bind(&other.id)
        .execute(&mut *tx)
        .await
        .unwrap();
    assert_eq!(changed.rows_affected(), 0);
}

#[tokio::test]
async fn every_table_is_under_row_level_security() {
    let app = TestApp::start().await;
    let open: Vec<String> = sqlx::query_scalar(
        "SELECT relname::text FROM pg_class
         WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
           AND relname <> '_sqlx_migrations' AND NOT (relrowsecurity AND relforcerowsecurity)",
    )
    .fetch_all(&mut app.database().await)
    .await
    .unwrap();
    assert_eq!(open, Vec::<String>::new());
}
