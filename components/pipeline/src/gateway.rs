//! What holds for every request: the edge's own keys and limits, and the snapshot's settings for the pipeline.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Deserialize;

use crate::link::EdgeKeys;
use crate::proxies::Proxies;
use crate::upstreams::Upstream;

/// The pipeline's configuration. It never changes: a new snapshot makes a new one.
#[derive(Debug, Clone, Default)]
pub struct Gateway {
    /// The edge's keys for its link with the core. Without any, the core refuses what the edge forwards.
    pub keys: EdgeKeys,
    /// How large a request's head may be.
    pub limits: HeadLimits,
    /// Who stands between the clients and the edge.
    pub proxies: Proxies,
    /// From the snapshot; none before the first.
    pub settings: Option<Settings>,
}

impl Gateway {
    /// The same gateway with the settings of a snapshot.
    pub fn with_settings(&self, settings: Settings) -> Arc<Self> {
        Arc::new(Self { settings: Some(settings), ..self.clone() })
    }
}

/// How large a request's head may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeadLimits {
    /// Bytes of path and query; more is a 414.
    pub target_bytes: usize,
    /// Header lines; more is a 431.
    pub header_count: usize,
    /// Bytes of names and values; more is a 431.
    pub header_bytes: usize,
}

impl Default for HeadLimits {
    fn default() -> Self {
        Self { target_bytes: 8 * 1024, header_count: 96, header_bytes: 32 * 1024 }
    }
}

/// What the snapshot says to the pipeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The snapshot's version.
    pub version: String,
    /// Upstreams by name.
    pub upstreams: BTreeMap<String, Arc<Upstream>>,
    /// Which pages of other origins may read answers.
    pub cors: Cors,
    /// What `Retry-After` says when an upstream is away.
    pub retry_after_seconds: u32,
    /// What the pipeline needs to know of the cache.
    pub caching: Caching,
    /// Lower-case names of the headers that upstreams are told claims in: nobody else may say them.
    pub claim_headers: Vec<String>,
    /// Ids of the routes whose answers are not compressed.
    pub uncoded: BTreeSet<String>,
    /// The cookies of sessions, if there are any.
    pub cookies: Option<Cookies>,
}

/// What the pipeline reads of the section that is otherwise the cache's.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Caching {
    /// Bytes of body that are kept at the most.
    pub max_object_bytes: u64,
    /// Milliseconds that a request waits for another that wants the same; 0 is not at all.
    pub collapse_ms: u32,
    /// The last purge there was.
    pub epoch: u64,
    /// Whether any route's answers are kept.
    #[serde(skip)]
    pub is_used: bool,
}

impl Default for Caching {
    fn default() -> Self {
        Self { max_object_bytes: 1024 * 1024, collapse_ms: 5_000, epoch: 0, is_used: false }
    }
}

/// What the pipeline reads of the cookies that are otherwise the authentication's.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Cookies {
    /// The one that holds an access token: only the core is shown it.
    pub access: String,
    /// The one that holds a refresh token: only the core is shown it.
    pub refresh: String,
    /// Origins whose pages may use sessions.
    pub origins: Vec<String>,
}

/// Cross-origin requests (Fetch, section 3.2).
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Cors {
    /// Origins as browsers send them, such as `https://app.example`.
    #[serde(default)]
    pub allowed_origins: Vec<String>,
    /// Seconds that a browser may remember a preflight's answer.
    #[serde(default)]
    pub max_age_seconds: u32,
}
