//! The edges' configuration: `docs/schemas/edge-snapshot.schema.json`.

use std::sync::Arc;

use axum::body::Bytes;
use http::HeaderValue;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::declared::Declared;
use super::routes;
use crate::config::Config;
use crate::identity::Live;

/// What never changes while the service runs.
pub(super) struct Template(Value);

/// One version of the snapshot, ready to send.
pub(super) struct Snapshot {
    pub(super) body: Bytes,
    pub(super) body_sha256: String,
    pub(super) etag: HeaderValue,
    /// What it was made from: the same `Arc` and the same keys mean the same snapshot.
    made_from: (Arc<Live>, Vec<Value>),
}

impl Template {
    pub(super) fn new(config: &Config, declared: &Declared, openapi: &Value) -> anyhow::Result<Self> {
        let (edge, identity) = (&config.edge, &config.identity);
        let mut document = json!({
            "schema": "breakwater-edge-snapshot/1",
            "version": "",
            "upstreams": { "core": {} },
            "gateway": {
                "cors": {
                    "allowed_origins": edge.allowed_origins,
                    "max_age_seconds": edge.cors_max_age_seconds,
                },
                "retry_after_seconds": edge.retry_after_seconds,
            },
            "routing": { "routes": routes::from_openapi(openapi, &config.http)? },
            "rate_limiting": { "limits": edge.limits },
            "authentication": {
                "leeway_seconds": identity.leeway.as_secs(),
                "issuers": [{
                    "issuer": identity.issuer,
                    "audiences": [identity.audience],
                    "algorithms": [],
                    "token_types": ["at+jwt"],
                    "jwks": { "keys": [] },
                }],
                "revoked_sessions": [],
            },
            "caching": {
                "generation": edge.cache_generation,
                "max_object_bytes": edge.cache_max_object_bytes,
            },
            "static_files": {},
        });
        declared.fill(&mut document)?;
        check(&document)?;
        Ok(Self(document))
    }

    /// The snapshot with what changes filled in.
    pub(super) fn fill(&self, live: Arc<Live>, issuers: Vec<Value>) -> anyhow::Result<Snapshot> {
        let mut document = self.0.clone();
        let authentication = &mut document["authentication"];
        authentication["issuers"][0]["algorithms"] = json!(live.algorithms());
        authentication["issuers"][0]["jwks"] = live.jwks();
        authentication["revoked_sessions"] = json!(live.revoked());
        if let Some(all) = authentication["issuers"].as_array_mut() {
            all.extend(issuers.iter().cloned());
        }
        // The version is a hash of everything else, so that all cores agree on it.
        let hash = hex(&Sha256::digest(serde_json::to_vec(&document)?));
        let version = &hash[..32];
        document["version"] = json!(version);
        let body = serde_json::to_vec(&document)?;
        Ok(Snapshot {
            body_sha256: hex(&Sha256::digest(&body)),
            body: body.into(),
            etag: HeaderValue::from_str(&format!("\"{version}\""))?,
            made_from: (live, issuers),
        })
    }
}

impl Snapshot {
    pub(super) fn is_made_from(&self, live: &Arc<Live>, issuers: &[Value]) -> bool {
        Arc::ptr_eq(&self.made_from.0, live) && self.made_from.1 == issuers
    }
}

/// Whether what was configured makes a snapshot that edges take. What is filled in later is ours.
fn check(document: &Value) -> anyhow::Result<()> {
    let mut document = document.clone();
    document["version"] = json!("0");
    document["authentication"]["issuers"][0]["algorithms"] = json!(["EdDSA"]);
    let schema: Value = serde_json::from_str(include_str!("../../../docs/schemas/edge-snapshot.schema.json"))?;
    let validator = jsonschema::validator_for(&schema)?;
    match validator.iter_errors(&document).next() {
        None => Ok(()),
        Some(error) => anyhow::bail!("edge.policies_file: at {}: {error}", error.instance_path()),
    }
}

/// Lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
