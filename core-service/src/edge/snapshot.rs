//! The edges' configuration: `docs/schemas/edge-snapshot.schema.json`.

use std::sync::Arc;

use axum::body::Bytes;
use http::HeaderValue;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::Declared;
use super::gateway::{self, File, Mistakes};
use super::introspect;
use super::purges::Purges;
use super::routes::Own;
use crate::config::Config;
use crate::hex::hex;
use crate::identity::{Live, api_keys, browser, cookies};

/// What changes only with the gateway file.
pub(super) struct Template(Value);

/// One version of the snapshot, ready to send.
pub(super) struct Snapshot {
    pub(super) body: Bytes,
    pub(super) body_sha256: String,
    pub(super) etag: HeaderValue,
    /// What it was made from: the same `Arc`s and the same keys mean the same snapshot.
    made_from: (Arc<Declared>, Arc<Live>, Arc<Purges>, Vec<Value>),
}

impl Template {
    /// What the core says itself, with what the file adds.
    pub(super) fn new(config: &Config, own: &Own, text: &str, file: &File) -> Result<Self, Mistakes> {
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
            "routing": { "routes": own.routes },
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
                "cookies": {
                    "access": cookies::ACCESS.full_name(config),
                    "refresh": cookies::REFRESH.full_name(config),
                    "issuer": identity.issuer,
                    "origins": browser::origins(config),
                },
                "own_keys": {
                    "prefix": api_keys::PREFIX,
                    "issuer": identity.issuer,
                    "path": introspect::PATH,
                    "cache_seconds": introspect::CACHE_SECONDS,
                },
            },
            "caching": {
                "generation": edge.cache_generation,
                "max_object_bytes": edge.cache_max_object_bytes,
                "session_cookie": cookies::ACCESS.full_name(config),
            },
            "static_files": {},
        });
        gateway::merge(&mut document, text, file, own)?;
        Ok(Self(document))
    }

    /// The snapshot with what changes filled in.
    fn fill(&self, live: &Live, issuers: &[Value]) -> Value {
        let mut document = self.0.clone();
        let authentication = &mut document["authentication"];
        authentication["issuers"][0]["algorithms"] = json!(live.algorithms());
        authentication["issuers"][0]["jwks"] = live.jwks();
        authentication["revoked_sessions"] = json!(live.revoked());
        if let Some(all) = authentication["issuers"].as_array_mut() {
            all.extend(issuers.iter().cloned());
        }
        document
    }
}

impl Snapshot {
    pub(super) fn new(
        declared: Arc<Declared>,
        live: Arc<Live>,
        purges: Arc<Purges>,
        issuers: Vec<Value>,
    ) -> anyhow::Result<Self> {
        let mut document = declared.template.fill(&live, &issuers);
        purges.fill(&mut document["caching"]);
        // The version is a hash of everything else, so that all cores agree on it.
        let hash = hex(&Sha256::digest(serde_json::to_vec(&document)?));
        let version = &hash[..32];
        document["version"] = json!(version);
        let body = serde_json::to_vec(&document)?;
        Ok(Self {
            body_sha256: hex(&Sha256::digest(&body)),
            body: body.into(),
            etag: HeaderValue::from_str(&format!("\"{version}\""))?,
            made_from: (declared, live, purges, issuers),
        })
    }

    pub(super) fn is_made_from(
        &self,
        declared: &Arc<Declared>,
        live: &Arc<Live>,
        purges: &Arc<Purges>,
        issuers: &[Value],
    ) -> bool {
        let (made_declared, made_live, made_purges, made_issuers) = &self.made_from;
        let same =
            Arc::ptr_eq(made_declared, declared) && Arc::ptr_eq(made_live, live) && Arc::ptr_eq(made_purges, purges);
        same && made_issuers == issuers
    }
}
