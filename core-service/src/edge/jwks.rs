//! An issuer's public keys, over HTTP (RFC 7517, section 5).

use std::time::Duration;

use anyhow::{Context, bail, ensure};
use http::header::{ACCEPT, CACHE_CONTROL};
use serde_json::{Value, json};

/// For the whole exchange.
const PATIENCE: Duration = Duration::from_secs(10);

/// Bytes of a key set.
const MAX_BYTES: usize = 256 * 1024;

/// Keys of a set.
const MAX_KEYS: usize = 100;

/// How long keys are used before they are fetched again, whatever the issuer says: at least and at the most.
const BOUNDS: (u64, u64) = (60, 3_600);

/// What of a key is published. Nothing else of it is looked at by anybody, and a private part would be a mistake.
const MEMBERS: [&str; 10] = ["kty", "kid", "alg", "use", "key_ops", "crv", "x", "y", "n", "e"];

/// The client that fetches. It follows no redirect: the keys are where the operator says they are.
pub(super) fn client() -> anyhow::Result<reqwest::Client> {
    // Others may have chosen it already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().timeout(PATIENCE).redirect(reqwest::redirect::Policy::none());
    client.build().context("cannot make the client for issuers' keys")
}

/// The keys, and for how many seconds they may be used before they are fetched again.
pub(super) async fn fetch(client: &reqwest::Client, uri: &str) -> anyhow::Result<(Value, u64)> {
    let mut answer = client.get(uri).header(ACCEPT, "application/jwk-set+json, application/json").send().await?;
    ensure!(answer.status() == 200, "it answered {}", answer.status());
    let caching = answer.headers().get(CACHE_CONTROL).and_then(|value| value.to_str().ok());
    let life = caching.and_then(max_age).unwrap_or(BOUNDS.1).clamp(BOUNDS.0, BOUNDS.1);
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        ensure!(body.len() + chunk.len() <= MAX_BYTES, "the key set is longer than {MAX_BYTES} bytes");
        body.extend_from_slice(&chunk);
    }
    // Ahead of the time at which they would be too old.
    Ok((public(&serde_json::from_slice(&body).context("the key set is no JSON")?)?, life * 3 / 4))
}

fn max_age(header: &str) -> Option<u64> {
    header.split(',').find_map(|directive| directive.trim().strip_prefix("max-age=")?.parse().ok())
}

/// The keys that can verify and are public, in the issuer's order.
fn public(set: &Value) -> anyhow::Result<Value> {
    let Some(keys) = set["keys"].as_array() else { bail!("the key set has no keys") };
    let usable = |key: &&Value| matches!(key["kty"].as_str(), Some("EC" | "RSA" | "OKP")) && key["use"] != "enc";
    let plain = |key: &Value| -> Value {
        let members = MEMBERS.iter().filter_map(|name| Some(((*name).to_owned(), key.get(name)?.clone())));
        Value::Object(members.collect())
    };
    let keys: Vec<_> = keys.iter().filter(usable).take(MAX_KEYS).map(plain).collect();
    // An issuer that has no keys for a moment is one that is being repaired.
    ensure!(!keys.is_empty(), "the key set has no public key for signatures");
    Ok(json!({ "keys": keys }))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_what_is_public_is_kept() {
        let set = json!({"keys": [
            {"kty": "EC", "kid": "1", "crv": "P-256", "x": "x", "y": "y", "d": "secret", "x5c": ["..."]},
            {"kty": "oct", "kid": "2", "k": "secret"},
            {"kty": "RSA", "kid": "3", "use": "enc", "n": "n", "e": "e"},
        ]});
        let expected = json!({"keys": [{"kty": "EC", "kid": "1", "crv": "P-256", "x": "x", "y": "y"}]});
        assert_eq!(public(&set).unwrap(), expected);
        for none in [json!({}), json!({"keys": {}}), json!({"keys": []}), json!({"keys": [{"kty": "oct", "k": "x"}]})] {
            assert!(public(&none).is_err(), "{none}");
        }
    }

    #[test]
    fn ages() {
        assert_eq!(max_age("public, max-age=300"), Some(300));
        assert_eq!(max_age("no-store"), None);
    }
}
