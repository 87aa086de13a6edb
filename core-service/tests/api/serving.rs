//! The listener: TLS, and stopping without losing a request.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use core_service::config::{HttpConfig, TlsFiles};
use core_service::operations::serve::Server;
use tokio::sync::{Notify, oneshot};

fn config() -> HttpConfig {
    HttpConfig {
        listen: "127.0.0.1:0".parse().unwrap(),
        tls: None,
        max_body_bytes: 1024,
        request_timeout: Duration::from_secs(5),
        shutdown_grace: Duration::from_secs(5),
    }
}

fn client() -> reqwest::ClientBuilder {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
}

#[tokio::test]
async fn a_running_request_is_finished_before_it_stops() {
    let server = Server::bind(&config()).await.unwrap();
    let url = format!("http://{}/slow", server.address().unwrap());
    let running = Arc::new(Notify::new());
    let started = running.clone();
    let slow = get(async move || {
        started.notify_one();
        tokio::time::sleep(Duration::from_millis(400)).await;
        "done"
    });
    let (stop, stopped) = oneshot::channel::<()>();
    let served = tokio::spawn(server.run(Router::new().route("/slow", slow), async {
        let _ = stopped.await;
    }));
    let client = client().build().unwrap();
    let request = tokio::spawn(client.get(&url).send());
    running.notified().await;
    stop.send(()).unwrap();
    let answer = request.await.unwrap().unwrap();
    assert_eq!(answer.text().await.unwrap(), "done");
    served.await.unwrap();
    assert!(client.get(&url).send().await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn tls_when_a_certificate_is_configured() {
    let folder = tempfile::tempdir().unwrap();
    let (cert, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(&cert, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let config = HttpConfig { tls: Some(TlsFiles { cert, key }), ..config() };
    let server = Server::bind(&config).await.unwrap();
    let port = server.address().unwrap().port();
    tokio::spawn(server.run(Router::new().route("/", get("secret")), std::future::pending()));
    let root = reqwest::Certificate::from_pem(made.cert.pem().as_bytes()).unwrap();
    let client = client().tls_certs_only([root]).build().unwrap();
    let answer = client.get(format!("https://localhost:{port}/")).send().await.unwrap();
    assert_eq!(answer.version(), http::Version::HTTP_2);
    assert_eq!(answer.text().await.unwrap(), "secret");
    assert!(client.get(format!("http://localhost:{port}/")).send().await.is_err());
}

#[tokio::test]
async fn a_missing_certificate_stops_the_start() {
    let nowhere = TlsFiles { cert: "/no/cert".into(), key: "/no/key".into() };
    let config = HttpConfig { tls: Some(nowhere), ..config() };
    let error = Server::bind(&config).await.err().unwrap();
    assert!(error.to_string().starts_with("http.tls_cert: "), "{error}");
}

#[tokio::test]
async fn a_taken_port_is_a_clear_error() {
    let first = Server::bind(&config()).await.unwrap();
    let config = HttpConfig { listen: first.address().unwrap(), ..config() };
    let error = Server::bind(&config).await.err().unwrap();
    assert!(error.to_string().starts_with("http.listen: "), "{error}");
}
