//! Clients.

/// What a client is built from: reqwest brings no TLS of its own here.
pub fn client() -> reqwest::ClientBuilder {
    // Another test may have installed it before.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
}
