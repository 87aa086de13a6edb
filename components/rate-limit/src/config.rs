//! The section `rate_limiting` of the snapshot (`docs/schemas/edge-snapshot.schema.json`).

use std::collections::HashMap;

use breakwater_kit::types::{Bucket, Lease};
use serde::Deserialize;

/// Structured field integers have 15 digits (RFC 9651, section 3.3.1); these are far below.
const MAX_QUOTA: u64 = 1_000_000_000;
const MAX_WINDOW_SECONDS: u64 = 31 * 24 * 60 * 60;
const MAX_LEASE_SECONDS: u64 = 60 * 60;

/// Of the burst, what an edge takes in stock of a limit with `precision: local`, if it is not said.
const BATCH_SHARE: u64 = 100;

/// A limit, checked.
#[derive(Debug)]
pub struct Limit {
    pub name: String,
    pub by: By,
    /// Whether requests are refused when the state is away.
    pub closed: bool,
    cost: u64,
    /// By route.
    costs: HashMap<String, u64>,
    /// None: every request is counted exactly.
    batch: Option<Batch>,
    usual: Allowed,
    /// By the caller's plan.
    plans: HashMap<String, Allowed>,
}

/// What is counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum By {
    Address,
    Caller,
    /// The API key that was shown; callers without one are not counted.
    Key,
    /// The route, all clients together.
    Route,
    /// A header, by its lower-case name; the address where it is missing.
    Header(String),
}

#[derive(Debug, Clone, Copy)]
enum Batch {
    Share,
    Of(u64),
}

#[derive(Debug)]
struct Allowed {
    /// All of them hold at once.
    windows: Vec<Window>,
    concurrent: Option<u64>,
    lease: u64,
}

#[derive(Debug)]
struct Window {
    name: String,
    quota: u64,
    /// Milliseconds.
    length: u64,
    burst: u64,
}

impl Limit {
    /// Whether a bucket or lease of this name is the limit's.
    pub fn answers_for(&self, name: &str) -> bool {
        let further = |rest: &str| {
            let seconds = rest.strip_prefix('-').and_then(|rest| rest.strip_suffix('s'));
            seconds.is_some_and(|seconds| !seconds.is_empty() && seconds.bytes().all(|byte| byte.is_ascii_digit()))
        };
        name.strip_prefix(self.name.as_str()).is_some_and(|rest| rest.is_empty() || further(rest))
    }

    /// Whether it is the caller that counts.
    pub fn needs_caller(&self) -> bool {
        matches!(self.by, By::Caller | By::Key)
    }

    /// Adds what a request draws on: a bucket for each window, and a place among those at once.
    pub fn draw(&self, key: &str, route: &str, plan: Option<&str>, buckets: &mut Vec<Bucket>, leases: &mut Vec<Lease>) {
        let allowed = plan.and_then(|plan| self.plans.get(plan)).unwrap_or(&self.usual);
        let cost = self.costs.get(route).copied().unwrap_or(self.cost);
        for (index, window) in allowed.windows.iter().enumerate() {
            buckets.push(Bucket {
                key: if index == 0 { key.to_owned() } else { format!("{key}:{}", window.length) },
                name: window.name.clone(),
                limit: window.quota,
                window: window.length,
                burst: window.burst,
                cost,
                batch: self.batch.map_or(0, |batch| batch.of(window.burst)),
            });
        }
        if let Some(limit) = allowed.concurrent {
            leases.push(Lease { key: format!("{key}:now"), name: self.name.clone(), limit, ttl: allowed.lease });
        }
    }
}

impl Batch {
    fn of(self, burst: u64) -> u64 {
        match self {
            Self::Share => burst / BATCH_SHARE,
            Self::Of(count) => count.min(burst),
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
    by: RawBy,
    header: Option<String>,
    #[serde(flatten)]
    usual: RawAllowed,
    #[serde(default)]
    plans: HashMap<String, RawAllowed>,
    #[serde(default = "one")]
    cost: u64,
    #[serde(default)]
    costs: HashMap<String, u64>,
    #[serde(default)]
    precision: Precision,
    batch: Option<u64>,
    #[serde(default)]
    when_state_is_away: Away,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum RawBy {
    Address,
    Caller,
    Key,
    Route,
    Header,
}

#[derive(Deserialize)]
struct RawAllowed {
    quota: Option<u64>,
    window_seconds: Option<u64>,
    /// All of the quota, if not said.
    burst: Option<u64>,
    #[serde(default)]
    windows: Vec<RawWindow>,
    concurrent: Option<u64>,
    #[serde(default = "a_minute")]
    lease_seconds: u64,
}

#[derive(Deserialize)]
struct RawWindow {
    quota: u64,
    window_seconds: u64,
    burst: Option<u64>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Precision {
    #[default]
    Exact,
    Local,
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

fn a_minute() -> u64 {
    60
}

/// Reads the section, or says what is wrong with it.
pub fn read(section: &[u8]) -> Result<Vec<Limit>, String> {
    let section: Section = serde_json::from_slice(section).map_err(|error| format!("rate_limiting: {error}"))?;
    let mut limits: Vec<Limit> = Vec::with_capacity(section.limits.len());
    for raw in section.limits {
        let name = raw.name.clone();
        let limit = check(raw).map_err(|reason| format!("limit {name:?}: {reason}"))?;
        if limits.iter().any(|other| other.answers_for(&limit.name) || limit.answers_for(&other.name)) {
            return Err(format!("limit {:?}: another answers for this name", limit.name));
        }
        limits.push(limit);
    }
    Ok(limits)
}

fn check(raw: RawLimit) -> Result<Limit, String> {
    let name = raw.name;
    // The name stands in a header and in a key.
    if name.is_empty() || name.len() > 64 || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)) {
        return Err("a name is at most 64 letters, digits, '-', '_' and '.'".into());
    }
    let by = match (raw.by, raw.header) {
        (RawBy::Header, Some(header)) if !header.is_empty() => By::Header(header.to_ascii_lowercase()),
        (RawBy::Header, _) => return Err("by header, but header says none".into()),
        (_, Some(_)) => return Err("header is for limits by header".into()),
        (RawBy::Address, None) => By::Address,
        (RawBy::Caller, None) => By::Caller,
        (RawBy::Key, None) => By::Key,
        (RawBy::Route, None) => By::Route,
    };
    let batch = match (raw.precision, raw.batch) {
        (Precision::Exact, None) => None,
        (Precision::Exact, Some(_)) => return Err("batch is for precision local".into()),
        (Precision::Local, None) => Some(Batch::Share),
        (Precision::Local, Some(count)) => Some(Batch::Of(count)),
    };
    if !raw.plans.is_empty() && !matches!(by, By::Caller | By::Key) {
        return Err("plans are for limits by caller or key".into());
    }
    let most = raw.costs.values().copied().fold(raw.cost, u64::max);
    let least = raw.costs.values().copied().fold(raw.cost, u64::min);
    let allowed = |raw| allowed(&name, raw, least..=most);
    let usual = allowed(raw.usual)?;
    let plans = raw.plans.into_iter().map(|(plan, raw)| match allowed(raw) {
        Ok(allowed) => Ok((plan, allowed)),
        Err(reason) => Err(format!("plan {plan:?}: {reason}")),
    });
    Ok(Limit {
        by,
        closed: matches!(raw.when_state_is_away, Away::Closed),
        cost: raw.cost,
        costs: raw.costs,
        batch,
        usual,
        plans: plans.collect::<Result<_, _>>()?,
        name,
    })
}

fn allowed(name: &str, raw: RawAllowed, costs: std::ops::RangeInclusive<u64>) -> Result<Allowed, String> {
    let first = match (raw.quota, raw.window_seconds) {
        (Some(quota), Some(window_seconds)) => Some(RawWindow { quota, window_seconds, burst: raw.burst }),
        (None, None) if raw.burst.is_none() => None,
        _ => return Err("quota and window_seconds belong together".into()),
    };
    let mut windows: Vec<Window> = Vec::new();
    for raw in first.into_iter().chain(raw.windows) {
        let mut window = window(&raw, &costs)?;
        if windows.iter().any(|other| other.length == window.length) {
            return Err("two windows are of the same length".into());
        }
        window.name = if windows.is_empty() { name.to_owned() } else { format!("{name}-{}s", raw.window_seconds) };
        windows.push(window);
    }
    if windows.is_empty() && raw.concurrent.is_none() {
        return Err("it has neither a quota nor a number of requests at once".into());
    }
    if raw.concurrent.is_some_and(|limit| !(1..=MAX_QUOTA).contains(&limit)) {
        return Err("concurrent is not between 1 and a thousand million".into());
    }
    if !(1..=MAX_LEASE_SECONDS).contains(&raw.lease_seconds) {
        return Err("lease_seconds is not between 1 and an hour".into());
    }
    Ok(Allowed { windows, concurrent: raw.concurrent, lease: raw.lease_seconds * 1_000 })
}

fn window(raw: &RawWindow, costs: &std::ops::RangeInclusive<u64>) -> Result<Window, String> {
    let burst = raw.burst.unwrap_or(raw.quota);
    if !(1..=MAX_QUOTA).contains(&raw.quota) {
        return Err("quota is not between 1 and a thousand million".into());
    }
    if !(1..=MAX_WINDOW_SECONDS).contains(&raw.window_seconds) {
        return Err("window_seconds is not between 1 and 31 days".into());
    }
    if !(1..=MAX_QUOTA).contains(&burst) {
        return Err("burst is not between 1 and a thousand million".into());
    }
    if *costs.start() < 1 || *costs.end() > burst {
        return Err("cost is not between 1 and the burst".into());
    }
    Ok(Window { name: String::new(), quota: raw.quota, length: raw.window_seconds * 1_000, burst })
}
