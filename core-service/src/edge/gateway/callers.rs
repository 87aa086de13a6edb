//! Who may come in, besides our own users: other issuers, authorization servers, API keys, certificates.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::file::File;
use super::mistake::{Mistake, at};
use super::{extend, without_nulls};

/// An issuer besides ourselves: one whose keys are fetched, or one that shares a secret with us.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Issuer {
    pub(crate) issuer: String,
    audiences: Vec<String>,
    algorithms: Vec<String>,
    #[serde(default = "access_tokens")]
    token_types: Vec<String>,
    pub(crate) jwks_uri: Option<String>,
    /// Holds the secret of an issuer that signs with HMAC, base64url without padding.
    secret_file: Option<PathBuf>,
}

fn access_tokens() -> Vec<String> {
    vec!["at+jwt".to_owned()]
}

/// A server that is asked about tokens.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Introspection {
    issuer: String,
    endpoint: String,
    client_id: String,
    client_secret_file: PathBuf,
    #[serde(default)]
    audiences: Vec<String>,
    cache_seconds: Option<u64>,
    timeout_ms: Option<u64>,
}

/// Callers that are known by a key.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ApiKeys {
    #[serde(default = "x_api_key")]
    header: String,
    prefix: Option<String>,
    #[serde(default)]
    keys: Vec<ApiKey>,
}

fn x_api_key() -> String {
    "x-api-key".to_owned()
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct ApiKey {
    name: String,
    hash: String,
    #[serde(default)]
    scopes: Vec<String>,
    plan: Option<String>,
    issuer: Option<String>,
    subject: Option<String>,
    expires_at: Option<u64>,
    #[serde(default)]
    addresses: Vec<String>,
    #[serde(default)]
    claims: Map<String, Value>,
}

/// Callers that are known by the certificate that they connect with.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Certificates {
    #[serde(default)]
    others: bool,
    #[serde(default)]
    callers: Vec<Certificate>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Certificate {
    name: String,
    fingerprint: Option<String>,
    subject: Option<String>,
    alternative_name: Option<String>,
    #[serde(default)]
    scopes: Vec<String>,
    plan: Option<String>,
    #[serde(default)]
    claims: Map<String, Value>,
}

/// Adds them to the section `authentication`, but for issuers whose keys are fetched.
pub(super) fn fill(section: &mut Value, file: &File) -> Result<(), Mistake> {
    for (number, issuer) in file.issuers.iter().enumerate() {
        let place = || at("issuers").of(number);
        match (&issuer.jwks_uri, &issuer.secret_file) {
            (Some(uri), None) if uri.starts_with("https://") || uri.starts_with("http://") => {}
            (Some(_), None) => return Err(place().of("jwks_uri").wrong("it is no http:// or https:// URL")),
            (None, Some(path)) => {
                let secret = secret(path).map_err(|reason| place().of("secret_file").wrong(reason))?;
                let key = json!({ "kty": "oct", "k": secret });
                extend(&mut section["issuers"], [issuer.published(json!({ "keys": [key] }))].into_iter());
            }
            _ => return Err(place().of("issuer").wrong("it needs either `jwks_uri` or `secret_file`")),
        }
    }
    if let Some(server) = &file.introspection {
        let wrong = |reason: String| at("introspection").of("client_secret_file").wrong(reason);
        section["introspection"] = server.published(&secret(&server.client_secret_file).map_err(wrong)?);
    }
    if let Some(keys) = &file.api_keys {
        section["api_keys"] = without_nulls(json!(keys));
    }
    if let Some(certificates) = &file.certificates {
        section["certificates"] = without_nulls(json!(certificates));
    }
    section["claim_headers"] = json!(file.claim_headers);
    section["plan_claim"] = json!(file.plan_claim.as_deref().unwrap_or("plan"));
    Ok(())
}

impl Issuer {
    /// As the snapshot has it.
    pub(crate) fn published(&self, jwks: Value) -> Value {
        let mut published = json!({
            "issuer": self.issuer, "audiences": self.audiences, "algorithms": self.algorithms,
            "token_types": self.token_types, "jwks": jwks,
        });
        if let Some(uri) = &self.jwks_uri {
            published["jwks_uri"] = json!(uri);
        }
        published
    }
}

impl Introspection {
    fn published(&self, secret: &str) -> Value {
        json!({
            "issuer": self.issuer, "endpoint": self.endpoint, "client_id": self.client_id,
            "client_secret": secret, "audiences": self.audiences,
            "cache_seconds": self.cache_seconds.unwrap_or(60), "timeout_ms": self.timeout_ms.unwrap_or(2_000),
        })
    }
}

fn secret(path: &Path) -> Result<String, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("`{}`: {error}", path.display()))?;
    let text = text.trim();
    if text.is_empty() { Err(format!("`{}` is empty", path.display())) } else { Ok(text.to_owned()) }
}
