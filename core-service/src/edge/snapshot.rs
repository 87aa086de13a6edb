//! The edges' configuration: `docs/schemas/edge-snapshot.schema.json`.

use std::sync::Arc;

use axum::body::Bytes;
use http::HeaderValue;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

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
    /// What it was made from: the same `Arc` means the same snapshot.
    made_from: Arc<Live>,
}

impl Template {
    pub(super) fn new(config: &Config, openapi: &Value) -> anyhow::Result<Self> {
        let (edge, identity) = (&config.edge, &config.identity);
        Ok(Self(json!({
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
        })))
    }

    /// The snapshot with what changes filled in.
    pub(super) fn fill(&self, live: Arc<Live>) -> anyhow::Result<Snapshot> {
        let mut document = self.0.clone();
        let authentication = &mut document["authentication"];
        authentication["issuers"][0]["algorithms"] = json!(live.algorithms());
        authentication["issuers"][0]["jwks"] = live.jwks();
        authentication["revoked_sessions"] = json!(live.revoked());
        // The version is a hash of everything else, so that all cores agree on it.
        let hash = hex(&Sha256::digest(serde_json::to_vec(&document)?));
        let version = &hash[..32];
        document["version"] = json!(version);
        let body = serde_json::to_vec(&document)?;
        Ok(Snapshot {
            body_sha256: hex(&Sha256::digest(&body)),
            body: body.into(),
            etag: HeaderValue::from_str(&format!("\"{version}\""))?,
            made_from: live,
        })
    }
}

impl Snapshot {
    pub(super) fn is_made_from(&self, live: &Arc<Live>) -> bool {
        Arc::ptr_eq(&self.made_from, live)
    }
}

/// Lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
