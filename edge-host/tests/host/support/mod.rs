//! What the tests stand on: an edge to start, a core that is played, and raw connections.

pub mod core;
pub mod edge;
pub mod frames;
pub mod recorder;
pub mod snapshot;
pub mod wire;

pub use core::Core;
pub use edge::Edge;

/// An edge key that both sides know.
pub const KEY: &str = "k1.AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

/// What every client of the tests is built from: no proxy of this machine's, and TLS by ring.
pub fn client_builder() -> reqwest::ClientBuilder {
    // The second time it is there already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy()
}

/// The client that most tests use.
pub fn client() -> reqwest::Client {
    client_builder().build().unwrap()
}

/// The JSON of a problem, checked for what every problem has.
pub async fn problem(response: reqwest::Response, status: u16, slug: &str) -> serde_json::Value {
    assert_eq!(response.status(), status);
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    let request_id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
    let problem: serde_json::Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
    assert_eq!(problem["type"], format!("urn:breakwater:problem:{slug}"), "{problem}");
    assert_eq!(problem["status"], status);
    assert_eq!(problem["request_id"], *request_id);
    assert!(problem["title"].is_string() && problem["detail"].is_string());
    problem
}
