//! The file as it is written. Every name in it is here, and no other is taken.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use toml::value::Datetime;

use super::callers::{ApiKeys, Certificates, Introspection, Issuer};
use super::limit::Limit;
use super::mistake::Mistakes;
use super::route::Route;
use super::upstream::Upstream;

/// The file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct File {
    pub(super) upstreams: BTreeMap<String, Upstream>,
    pub(super) routes: Vec<Route>,
    pub(super) versioning: Option<Versioning>,
    pub(super) maintenance: Option<Maintenance>,
    pub(super) caching: Caching,
    pub(super) limits: Vec<Limit>,
    pub(crate) issuers: Vec<Issuer>,
    pub(super) introspection: Option<Introspection>,
    pub(super) api_keys: Option<ApiKeys>,
    pub(super) certificates: Option<Certificates>,
    pub(super) claim_headers: BTreeMap<String, String>,
    pub(super) plan_claim: Option<String>,
}

/// How clients choose among routes that name a version.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Versioning {
    pub(super) header: String,
    pub(super) default: String,
    pub(super) versions: BTreeMap<String, Ending>,
}

/// When something ends, and where one reads about it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Ending {
    pub(super) deprecated: Option<Datetime>,
    pub(super) sunset: Option<Datetime>,
    pub(super) link: Option<String>,
}

/// Closed for a while.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Maintenance {
    retry_after_seconds: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

/// How edges keep answers, beyond what the core's own settings say.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Caching {
    stale_seconds: Option<u64>,
    uncacheable_seconds: Option<u64>,
    collapse_ms: Option<u32>,
}

impl File {
    /// Reads the text.
    pub(crate) fn parse(text: &str) -> Result<Self, Mistakes> {
        toml::from_str(text).map_err(|error| Mistakes::unreadable(text, &error))
    }

    /// What it declares, in a few words.
    pub(crate) fn summary(&self) -> String {
        let counted = [
            (self.upstreams.len(), "upstream"),
            (self.routes.len(), "route"),
            (self.limits.len(), "limit"),
            (self.issuers.len(), "issuer"),
        ];
        let words = counted.map(|(count, what)| format!("{count} {what}{}", if count == 1 { "" } else { "s" }));
        words.join(", ")
    }

    /// The origins that the edges' manifest has to allow.
    pub(crate) fn origins(&self) -> impl Iterator<Item = &str> {
        self.upstreams.values().flat_map(Upstream::origins).map(|(_, origin)| origin)
    }
}

impl Versioning {
    pub(super) fn published(&self) -> Value {
        let known: Vec<_> = self.versions.keys().collect();
        json!({ "header": self.header, "default": self.default, "known": known })
    }
}
