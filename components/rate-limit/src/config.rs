//! The section `rate_limiting` of the snapshot (`docs/schemas/edge-snapshot.schema.json`).

use breakwater_kit::types::Bucket;
use serde::Deserialize;

/// Structured field integers have 15 digits (RFC 9651, section 3.3.1); these are far below.
const MAX_QUOTA: u64 = 1_000_000_000;
const MAX_WINDOW_SECONDS: u64 = 31 * 24 * 60 * 60;

/// A limit, checked.
#[derive(Debug)]
pub struct Limit {
    pub name: String,
    pub by: By,
    /// Whether requests are refused when the state is away.
    pub closed: bool,
    quota: u64,
    window: u64,
    burst: u64,
    cost: u64,
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum By {
    Address,
    Caller,
}

impl Limit {
    /// The bucket of this limit under a key.
    pub fn bucket(&self, key: String) -> Bucket {
        Bucket {
            key,
            name: self.name.clone(),
            limit: self.quota,
            window: self.window,
            burst: self.burst,
            cost: self.cost,
        }
    }
}

#[derive(Deserialize)]
struct Section {
    #[serde(default)]
    limits: Vec<RawLimit>,
}

#[derive(Deserialize)]
struct RawLimit {
    name: String,
    by: By,
    quota: u64,
    window_seconds: u64,
    /// All of the quota, if not said.
    burst: Option<u64>,
    #[serde(default = "one")]
    cost: u64,
    #[serde(default)]
    when_state_is_away: Away,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Away {
    #[default]
    Open,
    Closed,
}

fn one() -> u64 {
    1
}

/// Reads the section, or says what is wrong with it.
pub fn read(section: &[u8]) -> Result<Vec<Limit>, String> {
    let section: Section = serde_json::from_slice(section).map_err(|error| format!("rate_limiting: {error}"))?;
    let mut limits: Vec<Limit> = Vec::with_capacity(section.limits.len());
    for raw in section.limits {
        let limit = check(raw)?;
        if limits.iter().any(|other| other.name == limit.name) {
            return Err(format!("limit {:?}: there are two of this name", limit.name));
        }
        limits.push(limit);
    }
    Ok(limits)
}

fn check(raw: RawLimit) -> Result<Limit, String> {
    let name = raw.name;
    let wrong = |reason: &str| Err(format!("limit {name:?}: {reason}"));
    let burst = raw.burst.unwrap_or(raw.quota);
    // The name stands in a header and in a key.
    if name.is_empty() || name.len() > 64 || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)) {
        return wrong("a name is at most 64 letters, digits, '-', '_' and '.'");
    }
    if !(1..=MAX_QUOTA).contains(&raw.quota) {
        return wrong("quota is not between 1 and a thousand million");
    }
    if !(1..=MAX_WINDOW_SECONDS).contains(&raw.window_seconds) {
        return wrong("window_seconds is not between 1 and 31 days");
    }
    if !(1..=MAX_QUOTA).contains(&burst) {
        return wrong("burst is not between 1 and a thousand million");
    }
    if !(1..=burst).contains(&raw.cost) {
        return wrong("cost is not between 1 and the burst");
    }
    Ok(Limit {
        by: raw.by,
        closed: matches!(raw.when_state_is_away, Away::Closed),
        quota: raw.quota,
        window: raw.window_seconds * 1_000,
        burst,
        cost: raw.cost,
        name,
    })
}
