//! What an operator adds to the snapshot's sections `authentication` and `rate_limiting`: `edge.policies_file`.
//!
//! It is read once, at the start. Unknown names are refused, and the snapshot that comes of it is held against its
//! schema, so that a mistake stops the core and not the edges.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::config::ConfigError;

/// The file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Declared {
    #[serde(default)]
    pub(super) issuers: Vec<Issuer>,
    introspection: Option<Introspection>,
    api_keys: Option<ApiKeys>,
    certificates: Option<Certificates>,
    #[serde(default)]
    claim_headers: Map<String, Value>,
    plan_claim: Option<String>,
    #[serde(default)]
    pub(super) limits: Vec<Map<String, Value>>,
}

/// An issuer besides ourselves: one whose keys are fetched, or one that shares a secret with us.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Issuer {
    pub(super) issuer: String,
    audiences: Vec<String>,
    algorithms: Vec<String>,
    #[serde(default = "access_tokens")]
    token_types: Vec<String>,
    pub(super) jwks_uri: Option<String>,
    /// Holds the secret of an issuer that signs with HMAC, base64url without padding.
    secret_file: Option<PathBuf>,
}

fn access_tokens() -> Vec<String> {
    vec!["at+jwt".to_owned()]
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Introspection {
    issuer: String,
    endpoint: String,
    client_id: String,
    client_secret_file: PathBuf,
    #[serde(default)]
    audiences: Vec<String>,
    cache_seconds: Option<u64>,
    timeout_ms: Option<u64>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct ApiKeys {
    #[serde(default = "x_api_key")]
    header: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    prefix: Option<String>,
    #[serde(default)]
    keys: Vec<Map<String, Value>>,
}

fn x_api_key() -> String {
    "x-api-key".to_owned()
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Certificates {
    #[serde(default)]
    others: bool,
    #[serde(default)]
    callers: Vec<Map<String, Value>>,
}

impl Declared {
    /// Reads the file, if there is one.
    pub(super) fn read(path: Option<&Path>) -> Result<Self, ConfigError> {
        let Some(path) = path else { return Ok(Self::default()) };
        let bad = |reason: String| ConfigError::new("edge.policies_file", format!("`{}`: {reason}", path.display()));
        let text = std::fs::read_to_string(path).map_err(|error| bad(error.to_string()))?;
        let declared: Self = toml::from_str(&text).map_err(|error| bad(error.to_string()))?;
        for issuer in &declared.issuers {
            issuer.check().map_err(|reason| bad(format!("issuer `{}`: {reason}", issuer.issuer)))?;
        }
        Ok(declared)
    }

    /// Adds what it says to the snapshot's document, and issuers with a secret to `issuers`.
    pub(super) fn fill(&self, document: &mut Value) -> Result<(), ConfigError> {
        let bad = |reason: String| ConfigError::new("edge.policies_file", reason);
        let section = &mut document["authentication"];
        for issuer in self.issuers.iter().filter(|issuer| issuer.jwks_uri.is_none()) {
            let key = json!({ "kty": "oct", "k": issuer.secret().map_err(bad)? });
            if let Some(issuers) = section["issuers"].as_array_mut() {
                issuers.push(issuer.published(json!({ "keys": [key] })));
            }
        }
        if let Some(server) = &self.introspection {
            section["introspection"] = server.published().map_err(bad)?;
        }
        if let Some(keys) = &self.api_keys {
            section["api_keys"] = json!(keys);
        }
        if let Some(certificates) = &self.certificates {
            section["certificates"] = json!(certificates);
        }
        section["claim_headers"] = json!(self.claim_headers);
        section["plan_claim"] = json!(self.plan_claim.as_deref().unwrap_or("plan"));
        if let Some(limits) = document["rate_limiting"]["limits"].as_array_mut() {
            limits.extend(self.limits.iter().cloned().map(Value::Object));
        }
        Ok(())
    }
}

impl Issuer {
    fn check(&self) -> Result<(), &'static str> {
        match (&self.jwks_uri, &self.secret_file) {
            (Some(uri), None) if uri.starts_with("https://") || uri.starts_with("http://") => Ok(()),
            (None, Some(_)) => Ok(()),
            (Some(_), None) => Err("jwks_uri must be an http:// or https:// URL"),
            _ => Err("it needs either jwks_uri or secret_file"),
        }
    }

    /// As the snapshot has it.
    pub(super) fn published(&self, jwks: Value) -> Value {
        let mut published = json!({
            "issuer": self.issuer, "audiences": self.audiences, "algorithms": self.algorithms,
            "token_types": self.token_types, "jwks": jwks,
        });
        if let Some(uri) = &self.jwks_uri {
            published["jwks_uri"] = json!(uri);
        }
        published
    }

    fn secret(&self) -> Result<String, String> {
        self.secret_file.as_deref().map_or_else(|| Ok(String::new()), secret)
    }
}

impl Introspection {
    fn published(&self) -> Result<Value, String> {
        Ok(json!({
            "issuer": self.issuer, "endpoint": self.endpoint, "client_id": self.client_id,
            "client_secret": secret(&self.client_secret_file)?, "audiences": self.audiences,
            "cache_seconds": self.cache_seconds.unwrap_or(60), "timeout_ms": self.timeout_ms.unwrap_or(2_000),
        }))
    }
}

fn secret(path: &Path) -> Result<String, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("`{}`: {error}", path.display()))?;
    let text = text.trim();
    if text.is_empty() { Err(format!("`{}` is empty", path.display())) } else { Ok(text.to_owned()) }
}
