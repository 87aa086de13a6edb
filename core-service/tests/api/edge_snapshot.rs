//! The edge snapshot: its schema, what it says, its signature, and what it costs when nothing changed.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::{Answer, Call, EDGE_KEY, TestApp, settings};

const PATH: &str = "/edge/v1/snapshot";

async fn snapshot(app: &TestApp) -> Value {
    app.get(PATH).send().await.expect(200).json()
}

fn route<'a>(snapshot: &'a Value, id: &str) -> &'a Value {
    let mut routes = snapshot["routing"]["routes"].as_array().unwrap().iter();
    routes.find(|route| route["id"] == id).unwrap_or_else(|| panic!("no route {id}"))
}

#[tokio::test]
async fn it_fits_its_published_schema() {
    let app = TestApp::start_with(settings([("EDGE__ALLOWED_ORIGINS", "https://app.example")])).await;
    let user = app.user().await;
    app.post("/api/v1/auth/logout").bearer(&user.access_token).send().await.expect(204);
    let snapshot = snapshot(&app).await;
    let schema: Value = serde_json::from_str(include_str!("../../../docs/schemas/edge-snapshot.schema.json")).unwrap();
    jsonschema::meta::validate(&schema).unwrap();
    let validator = jsonschema::draft202012::options().should_validate_formats(true).build(&schema).unwrap();
    let errors: Vec<_> = validator.iter_errors(&snapshot).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    // The schema does say something.
    let mut wrong = snapshot.clone();
    wrong["routing"]["routes"][0]["authentication"]["mode"] = json!("perhaps");
    assert!(!validator.is_valid(&wrong));
}

#[tokio::test]
async fn every_operation_is_a_route() {
    let app = TestApp::start().await;
    let snapshot = snapshot(&app).await;
    let me = route(&snapshot, "identity.me.patch");
    assert_eq!(me["methods"], json!(["PATCH"]));
    assert_eq!(me["path"], "/api/v1/me");
    assert_eq!(me["target"], json!({ "upstream": "core" }));
    assert_eq!(me["authentication"], json!({ "mode": "required", "scopes": [] }));
    assert_eq!(me["limits"], json!(["address", "caller"]));
    assert_eq!(me["retries"], 0);
    for id in ["identity.register", "identity.login", "identity.refresh"] {
        assert_eq!(route(&snapshot, id)["limits"], json!(["address", "sign-in"]), "{id}");
        assert_eq!(route(&snapshot, id)["authentication"]["mode"], "public");
    }
    let jwks = route(&snapshot, "identity.jwks");
    assert_eq!((&jwks["cacheable"], &jwks["retries"]), (&json!(true), &json!(1)));
    let files = route(&snapshot, "static-files");
    assert_eq!((&files["path"], &files["target"]), (&json!("/{*rest}"), &json!({ "static_files": true })));
    let operations: usize = serde_json::to_value(core_service::app::openapi()).unwrap()["paths"]
        .as_object()
        .unwrap()
        .values()
        .map(|item| item.as_object().unwrap().values().filter(|o| o["operationId"].is_string()).count())
        .sum();
    assert_eq!(snapshot["routing"]["routes"].as_array().unwrap().len(), operations + 1);
}

#[tokio::test]
async fn every_limit_that_a_route_names_is_there() {
    let app = TestApp::start().await;
    let snapshot = snapshot(&app).await;
    let limits = snapshot["rate_limiting"]["limits"].as_array().unwrap();
    let names: Vec<_> = limits.iter().map(|limit| &limit["name"]).collect();
    for route in snapshot["routing"]["routes"].as_array().unwrap() {
        for limit in route["limits"].as_array().unwrap() {
            assert!(names.contains(&limit), "{route}");
        }
    }
    let sign_in = limits.iter().find(|limit| limit["name"] == "sign-in").unwrap();
    assert_eq!(sign_in["when_state_is_away"], "closed");
    assert_eq!((&sign_in["quota"], &sign_in["burst"]), (&json!(120), &json!(30)));
}

fn verify(answer: &Answer, link: &str) {
    let request_mac = link.split("mac=").nth(1).unwrap();
    let hash: String = Sha256::digest(&answer.body).iter().map(|byte| format!("{byte:02x}")).collect();
    let status = answer.status.as_str();
    let mac = EDGE_KEY.mac(&["breakwater-core-v1", request_mac, status, answer.header("etag"), &hash]);
    assert_eq!(answer.header("breakwater-core"), format!("v1 key=edge-1,mac={mac}"));
}

#[tokio::test]
async fn it_is_signed_for_the_request_and_revalidated() {
    let app = TestApp::start().await;
    let link = EDGE_KEY.sign(0, "GET", PATH, "", "request-1");
    let ask = || app.get(PATH).unlinked().header("x-request-id", "request-1").header("breakwater-edge", &link);
    let answer = ask().send().await.expect(200);
    verify(&answer, &link);
    let etag = answer.header("etag").to_owned();
    assert_eq!(etag, format!("\"{}\"", answer.json()["version"].as_str().unwrap()));
    let same = ask().header("if-none-match", &etag).send().await.expect(304);
    assert!(same.body.is_empty());
    verify(&same, &link);
    // Another core over the same database says the same version.
    let other = Call::new(app.another().1, http::Method::GET, PATH).send().await;
    assert_eq!(other.header("etag"), etag);
}

#[tokio::test]
async fn ended_sessions_and_new_keys_make_a_new_version() {
    let app = TestApp::start().await;
    let user = app.user().await;
    let first = snapshot(&app).await;
    assert_eq!(first["authentication"]["revoked_sessions"], json!([]));
    assert_eq!(first["authentication"]["issuers"][0]["algorithms"], json!(["EdDSA"]));
    app.post("/api/v1/auth/logout").bearer(&user.access_token).send().await.expect(204);
    let second = snapshot(&app).await;
    assert_ne!(first["version"], second["version"]);
    let revoked = &second["authentication"]["revoked_sessions"];
    assert_eq!(revoked.as_array().unwrap().len(), 1);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let until = revoked[0]["until"].as_u64().unwrap();
    assert!((now + 300..now + 370).contains(&until), "{until}");
    core_service::identity::rotate_keys(&app.state).await.unwrap();
    let third = snapshot(&app).await;
    assert_ne!(second["version"], third["version"]);
    assert_eq!(third["authentication"]["issuers"][0]["jwks"]["keys"].as_array().unwrap().len(), 3);
    // When its tokens are dead, the session is not told any more.
    sqlx::query("UPDATE sessions SET ended_at = now() - interval '10 minutes' WHERE ended_at IS NOT NULL")
        .execute(&mut app.database().await)
        .await
        .unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    assert_eq!(snapshot(&app).await["authentication"]["revoked_sessions"], json!([]));
}

#[tokio::test]
async fn many_edges_cost_the_database_one_transaction_a_second() {
    let app = TestApp::start().await;
    snapshot(&app).await;
    let mut database = app.database().await;
    let transactions = "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()";
    let count = async |database: &mut sqlx::PgConnection| -> i64 {
        // Statistics are written when a transaction ends, at most once a second per connection.
        tokio::time::sleep(std::time::Duration::from_millis(1200)).await;
        sqlx::query("SELECT pg_stat_clear_snapshot()").execute(&mut *database).await.unwrap();
        sqlx::query_scalar(transactions).fetch_one(database).await.unwrap()
    };
    let before = count(&mut database).await;
    let started = std::time::Instant::now();
    for _ in 0..500 {
        app.get(PATH).send().await.expect(200);
    }
    let after = count(&mut database).await;
    // One transaction a second reads both; the counting itself costs a few, and connections of the test's beginning may
    // write what they counted only now. A transaction a request would be 500.
    let most = 50 + 2 * started.elapsed().as_secs() as i64;
    assert!(after - before < most, "{} transactions", after - before);
}
