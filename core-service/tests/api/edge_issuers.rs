//! Issuers besides ourselves: their keys are fetched, kept and published. The issuer is a real server, played here.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Value, json};
use std::sync::Mutex;

use crate::support::{TestApp, settings};

const PATH: &str = "/edge/v1/snapshot";

/// What the issuer answers now, and how often it was asked.
struct Issuer {
    address: std::net::SocketAddr,
    answer: Arc<Shared>,
}

struct Shared {
    body: Mutex<Value>,
    status: AtomicUsize,
    asked: AtomicUsize,
}

impl Issuer {
    async fn start() -> Self {
        let answer = Arc::new(Shared {
            body: Mutex::new(key("one")),
            status: AtomicUsize::new(200),
            asked: AtomicUsize::new(0),
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().route("/jwks", get(jwks)).with_state(answer.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, answer }
    }

    fn asked(&self) -> usize {
        self.answer.asked.load(Ordering::SeqCst)
    }

    fn says(&self, status: usize, body: Value) {
        self.answer.status.store(status, Ordering::SeqCst);
        *self.answer.body.lock().unwrap() = body;
    }

    fn name(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A core that is told to follow it, in a folder that has to live as long.
    fn gateway_file(&self) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        let text = format!(
            "[[issuers]]\nissuer = \"{0}\"\njwks_uri = \"{0}/jwks\"\naudiences = [\"app\"]\nalgorithms = [\"ES256\"]\n\
             token_types = [\"JWT\"]\n",
            self.name()
        );
        std::fs::write(file.path(), text).unwrap();
        file
    }
}

async fn jwks(State(shared): State<Arc<Shared>>) -> Response {
    shared.asked.fetch_add(1, Ordering::SeqCst);
    let status = u16::try_from(shared.status.load(Ordering::SeqCst)).unwrap();
    let body = shared.body.lock().unwrap().to_string();
    (http::StatusCode::from_u16(status).unwrap(), [("cache-control", "max-age=600")], body).into_response()
}

fn key(id: &str) -> Value {
    json!({ "keys": [{ "kty": "EC", "kid": id, "crv": "P-256", "x": "x", "y": "y", "d": "never to be published" }] })
}

async fn published(app: &TestApp) -> Value {
    let snapshot = app.get(PATH).send().await.expect(200).json();
    snapshot["authentication"]["issuers"][1].clone()
}

async fn until(app: &TestApp, kid: &str) {
    for _ in 0..1500 {
        if published(app).await["jwks"]["keys"][0]["kid"] == kid {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("no key {kid}: {}", published(app).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_fetched_kept_and_shared() {
    let issuer = Issuer::start().await;
    let file = issuer.gateway_file();
    let app = TestApp::start_with(settings([("EDGE__GATEWAY_FILE", file.path().to_str().unwrap())])).await;
    let before = published(&app).await;
    assert_eq!((&before["issuer"], &before["jwks"]["keys"]), (&json!(issuer.name()), &json!([])));

    let following = tokio::spawn(core_service::edge::issuers::follow(app.state.clone()));
    until(&app, "one").await;
    assert_eq!(published(&app).await["jwks"]["keys"][0].get("d"), None);
    assert_eq!(issuer.asked(), 1);

    // A token with an unknown key: its issuer is asked again, once, however many edges say so.
    issuer.says(200, key("two"));
    for _ in 0..20 {
        app.get(PATH).header("breakwater-missing-key", &issuer.name()).send().await.expect(200);
    }
    until(&app, "two").await;
    assert_eq!(issuer.asked(), 2);
    // An issuer that nobody configured is nobody's wish.
    app.get(PATH).header("breakwater-missing-key", "https://evil.example").send().await.expect(200);

    // The issuer goes away. Another core starts, and publishes the same.
    issuer.says(503, json!({}));
    following.abort();
    let mut late = TestApp::start_with(Vec::new()).await;
    (late.state, late.router) = app.another();
    tokio::spawn(core_service::edge::issuers::follow(late.state.clone()));
    until(&late, "two").await;
    assert_eq!(issuer.asked(), 2, "what is stored is still good");
    assert_eq!(app.get(PATH).send().await.header("etag"), late.get(PATH).send().await.header("etag"));
    // Asked to fetch, it keeps what it has.
    late.get(PATH).header("breakwater-missing-key", &issuer.name()).send().await.expect(200);
    for _ in 0..1000 {
        if issuer.asked() > 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(issuer.asked() > 2);
    assert_eq!(published(&late).await["jwks"]["keys"][0]["kid"], "two");
}

#[tokio::test]
async fn what_is_declared_fits_the_schema_or_stops_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret");
    std::fs::write(&secret, "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY\n").unwrap();
    let hash = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    let good = format!(
        r#"
        plan_claim = "tier"
        [[issuers]]
        issuer = "https://legacy.example"
        audiences = ["app"]
        algorithms = ["HS256"]
        secret_file = "{secret}"
        [introspection]
        issuer = "https://as.example"
        endpoint = "https://as.example/introspect"
        client_id = "edge"
        client_secret_file = "{secret}"
        [api_keys]
        prefix = "bw_"
        keys = [{{ name = "robot", hash = "{hash}", scopes = ["read"], plan = "pro", addresses = ["10.0.0.0/8"] }}]
        [certificates]
        callers = [{{ name = "till", alternative_name = "dns:till.example" }}]
        [claim_headers]
        x-user = "sub"
        [[limits]]
        name = "reports"
        by = "caller"
        quota = 10
        window_seconds = 60
        windows = [{{ quota = 100, window_seconds = 86400 }}]
        concurrent = 2
        plans = {{ pro = {{ quota = 100, window_seconds = 60 }} }}
        "#,
        secret = secret.display()
    );
    let file = folder.path().join("gateway.toml");
    let start = |text: &str| {
        std::fs::write(&file, text).unwrap();
        settings([("EDGE__GATEWAY_FILE", file.to_str().unwrap())])
    };
    let app = TestApp::start_with(start(&good)).await;
    let snapshot = app.get(PATH).send().await.expect(200).json();
    let section = &snapshot["authentication"];
    assert_eq!(section["issuers"][1]["jwks"]["keys"][0]["kty"], "oct");
    assert_eq!(section["introspection"]["client_secret"], "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY");
    assert_eq!((&section["plan_claim"], &section["claim_headers"]), (&json!("tier"), &json!({ "x-user": "sub" })));
    let limits = snapshot["rate_limiting"]["limits"].as_array().unwrap();
    assert_eq!(limits.iter().filter(|limit| limit["name"] == "reports").count(), 1);

    for (name, from, to) in [
        ("an unknown name", "plan_claim", "plan_clam"),
        ("no hash", hash, "abc"),
        ("no way to know the certificate", "alternative_name", "alternative"),
        ("neither keys nor secret", "secret_file", "audience_file"),
        ("no limit", "by = \"caller\"", "by = \"moon\""),
        ("no URL", "https://as.example/introspect", "as.example"),
        ("no TOML", "[claim_headers]", "[claim_headers"),
    ] {
        let broken = good.replacen(from, to, 1);
        let mut config = app.config.clone();
        std::fs::write(&file, broken).unwrap();
        config.edge.gateway_file = Some(file.clone());
        let error = core_service::app::build(config).err().unwrap_or_else(|| panic!("{name}")).to_string();
        assert!(error.contains("edge.gateway_file"), "{name}: {error}");
    }
}
