//! Rate limits, as the file and the snapshot have them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A limit.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Limit {
    pub(super) name: String,
    by: String,
    header: Option<String>,
    quota: Option<u64>,
    window_seconds: Option<u64>,
    burst: Option<u64>,
    windows: Option<Vec<Window>>,
    concurrent: Option<u64>,
    lease_seconds: Option<u64>,
    cost: Option<u64>,
    /// By route.
    #[serde(default)]
    pub(super) costs: BTreeMap<String, u64>,
    /// What callers with these plans are allowed instead.
    #[serde(default)]
    plans: BTreeMap<String, Allowed>,
    precision: Option<String>,
    batch: Option<u64>,
    when_state_is_away: Option<String>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Allowed {
    quota: Option<u64>,
    window_seconds: Option<u64>,
    burst: Option<u64>,
    windows: Option<Vec<Window>>,
    concurrent: Option<u64>,
    lease_seconds: Option<u64>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Window {
    quota: u64,
    window_seconds: u64,
    burst: Option<u64>,
}
