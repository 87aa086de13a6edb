//! Requests to providers: short, small, and only to where the configuration or a provider's own description says.

use std::time::Duration;

use anyhow::{Context, ensure};
use http::StatusCode;
use serde_json::Value;
use url::form_urlencoded::Serializer;

/// For one exchange.
const PATIENCE: Duration = Duration::from_secs(5);

/// Bytes of an answer.
const MAX_BYTES: usize = 256 * 1024;

/// The client. It follows no redirect: what is asked for is where it was said to be.
pub(super) fn client() -> anyhow::Result<reqwest::Client> {
    // Others may have chosen it already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder()
        .timeout(PATIENCE)
        .redirect(reqwest::redirect::Policy::none())
        // GitHub wants one.
        .user_agent("breakwater");
    client.build().context("cannot make the client for providers")
}

/// Sends a request; the JSON in the answer, and its status.
pub(super) async fn ask(request: reqwest::RequestBuilder) -> anyhow::Result<(StatusCode, Value)> {
    // The URL may hold what is no log line's business.
    let mut answer = request.header("accept", "application/json").send().await.map_err(reqwest::Error::without_url)?;
    let status = answer.status();
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(reqwest::Error::without_url)? {
        ensure!(body.len() + chunk.len() <= MAX_BYTES, "an answer is longer than {MAX_BYTES} bytes");
        body.extend_from_slice(&chunk);
    }
    let body = serde_json::from_slice(&body).with_context(|| format!("an answer ({status}) is no JSON"))?;
    Ok((status, body))
}

/// The same, but only a good answer will do.
pub(super) async fn get(request: reqwest::RequestBuilder) -> anyhow::Result<Value> {
    let (status, body) = ask(request).await?;
    ensure!(status == StatusCode::OK, "it answered {status}");
    Ok(body)
}

/// Posts a form.
pub(super) fn form(request: reqwest::RequestBuilder, fields: &[(&str, &str)]) -> reqwest::RequestBuilder {
    let body = Serializer::new(String::new()).extend_pairs(fields).finish();
    request.header("content-type", "application/x-www-form-urlencoded").body(body)
}

/// RFC 6749 section 2.3.1: name and secret are encoded like a form's values.
pub(super) fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
