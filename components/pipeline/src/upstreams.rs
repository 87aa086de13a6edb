//! The snapshot's `upstreams`: where requests can be sent, and how one of several endpoints is chosen.
//!
//! `{}` is the core, whose addresses the shell knows; `{"origin": …}` is one address; `{"endpoints": […]}` are several.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

use crate::snapshot::SnapshotError;

/// An upstream, checked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Upstream {
    /// Where it is; none for the core, from which the snapshot came.
    pub endpoints: Vec<Endpoint>,
    /// How one of several is chosen.
    pub balance: Balance,
    /// Questions that endpoints are asked in the background.
    pub health: Option<HealthCheck>,
    /// When an endpoint is left alone because requests fail at it.
    pub ejection: Ejection,
    /// Milliseconds in which an endpoint that came back gets its full share; 0 is at once.
    pub slow_start: u64,
    /// Requests at once; more of them wait. None is no bound.
    pub max_connections: Option<u32>,
    /// Requests that may wait; more are refused at once.
    pub max_pending: u32,
    /// Tries that may be repetitions, of a hundred requests.
    pub retry_budget: u32,
}

/// One address of an upstream.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Endpoint {
    /// Scheme, host and port.
    pub origin: String,
    /// Its share beside the others'. 0 is none.
    #[serde(default = "weight")]
    pub weight: u32,
}

/// How an endpoint is chosen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Balance {
    /// Of two drawn by lot, the one with fewer requests under way.
    #[default]
    LeastRequests,
    /// In turn.
    RoundRobin,
    /// The same for whoever has the same key, as long as it is there.
    Hash(HashOn),
}

/// What makes the key of [`Balance::Hash`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HashOn {
    /// The authenticated caller; the address where there is none.
    Caller,
    /// The client's address.
    Address,
    /// A request header as the upstream gets it, its name in lower case; the address where there is none.
    Header(String),
}

/// See [`Upstream::health`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct HealthCheck {
    /// What is asked for. 2xx is well.
    pub path: String,
    /// Milliseconds from one question to the next.
    #[serde(default = "interval", rename = "interval_ms")]
    pub interval: u64,
    /// Milliseconds that an answer may take.
    #[serde(default = "timeout", rename = "timeout_ms")]
    pub timeout: u64,
    /// Good answers in a row after which an endpoint gets requests again.
    #[serde(default = "healthy_after")]
    pub healthy_after: u32,
    /// Bad answers in a row after which it gets none.
    #[serde(default = "unhealthy_after")]
    pub unhealthy_after: u32,
}

/// See [`Upstream::ejection`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Ejection {
    /// Failures in a row; 0 is never.
    pub consecutive_failures: u32,
    /// Milliseconds of the first ejection; each that follows soon takes longer.
    #[serde(rename = "for_ms")]
    pub time: u64,
    /// Endpoints that may be ejected at once, of a hundred. One may always be, if there are others.
    pub max_percent: u32,
}

impl Default for Ejection {
    fn default() -> Self {
        Self { consecutive_failures: 5, time: 10_000, max_percent: 50 }
    }
}

fn weight() -> u32 {
    1
}

fn interval() -> u64 {
    5_000
}

fn timeout() -> u64 {
    2_000
}

fn healthy_after() -> u32 {
    2
}

fn unhealthy_after() -> u32 {
    3
}

fn max_pending() -> u32 {
    128
}

fn retry_budget() -> u32 {
    20
}

/// An upstream as it is published.
#[derive(Deserialize)]
pub(crate) struct Published {
    origin: Option<String>,
    #[serde(default)]
    endpoints: Vec<Endpoint>,
    #[serde(default)]
    balance: PublishedBalance,
    hash_on: Option<String>,
    health: Option<HealthCheck>,
    #[serde(default)]
    ejection: Ejection,
    #[serde(default)]
    slow_start_ms: u64,
    max_connections: Option<u32>,
    #[serde(default = "max_pending")]
    max_pending: u32,
    #[serde(default = "retry_budget")]
    retry_budget_percent: u32,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum PublishedBalance {
    #[default]
    LeastRequests,
    RoundRobin,
    Hash,
}

/// Checks all of them.
pub(crate) fn check(published: BTreeMap<String, Published>) -> Result<BTreeMap<String, Arc<Upstream>>, SnapshotError> {
    published
        .into_iter()
        .map(|(name, upstream)| match Upstream::try_from(upstream) {
            Ok(upstream) => Ok((name, Arc::new(upstream))),
            Err(reason) => Err(SnapshotError::Upstream(name, reason)),
        })
        .collect()
}

impl TryFrom<Published> for Upstream {
    type Error = &'static str;

    fn try_from(published: Published) -> Result<Self, Self::Error> {
        let endpoints = match published.origin {
            Some(_) if !published.endpoints.is_empty() => return Err("it has both an origin and endpoints"),
            Some(origin) => vec![Endpoint { origin, weight: 1 }],
            None => published.endpoints,
        };
        if endpoints.iter().any(|endpoint| !is_origin(&endpoint.origin)) {
            return Err("an origin is not `http://` or `https://` with host and port alone");
        }
        if !endpoints.is_empty() && endpoints.iter().all(|endpoint| endpoint.weight == 0) {
            return Err("no endpoint has a weight");
        }
        if endpoints.iter().any(|endpoint| endpoint.weight > 1000) {
            return Err("a weight is more than 1000");
        }
        let repeated = |(index, endpoint): (usize, &Endpoint)| {
            endpoints[..index].iter().any(|other| other.origin == endpoint.origin)
        };
        if endpoints.iter().enumerate().any(repeated) {
            return Err("an endpoint is there twice");
        }
        let balance = match (published.balance, published.hash_on.as_deref()) {
            (PublishedBalance::Hash, on) => Balance::Hash(hash_on(on.unwrap_or("caller"))?),
            (_, Some(_)) => return Err("`hash_on` needs the balance \"hash\""),
            (PublishedBalance::LeastRequests, None) => Balance::LeastRequests,
            (PublishedBalance::RoundRobin, None) => Balance::RoundRobin,
        };
        if let Some(health) = &published.health {
            let plain = health.path.starts_with('/') && health.path.bytes().all(|byte| byte.is_ascii_graphic());
            if !plain || health.path.contains('#') {
                return Err("the health check's path is no path");
            }
            if health.interval < 100 || health.timeout == 0 || health.healthy_after == 0 || health.unhealthy_after == 0
            {
                return Err("the health check wants 100 milliseconds or more between questions, and no count of 0");
            }
        }
        if published.ejection.max_percent > 100 || published.retry_budget_percent > 100 {
            return Err("a percentage is more than 100");
        }
        if published.max_connections == Some(0) {
            return Err("`max_connections` is 0");
        }
        Ok(Self {
            endpoints,
            balance,
            health: published.health,
            ejection: published.ejection,
            slow_start: published.slow_start_ms,
            max_connections: published.max_connections,
            max_pending: published.max_pending,
            retry_budget: published.retry_budget_percent,
        })
    }
}

fn hash_on(text: &str) -> Result<HashOn, &'static str> {
    match text.split_once(':') {
        None if text == "caller" => Ok(HashOn::Caller),
        None if text == "address" => Ok(HashOn::Address),
        Some(("header", name)) if !name.is_empty() => Ok(HashOn::Header(name.to_ascii_lowercase())),
        _ => Err("`hash_on` is none of \"caller\", \"address\" and \"header:NAME\""),
    }
}

/// Scheme and authority, nothing behind them (RFC 6454, section 6.2).
pub fn is_origin(text: &str) -> bool {
    let Some(authority) = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://")) else {
        return false;
    };
    !authority.is_empty() && authority.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._:[]".contains(&b))
}

impl Upstream {
    /// What an upstream that says nothing else is: today's core.
    pub fn core() -> Arc<Self> {
        Arc::new(Self { max_pending: max_pending(), retry_budget: retry_budget(), ..Self::default() })
    }

    /// One address, and nothing else said.
    pub fn at(origin: String) -> Arc<Self> {
        Arc::new(Self { endpoints: vec![Endpoint { origin, weight: 1 }], ..Self::clone(&Self::core()) })
    }

    /// Whether it is the core, which alone is told who we are.
    pub fn is_core(&self) -> bool {
        self.endpoints.is_empty()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::{Value, json};

    use super::*;

    fn read(value: Value) -> Result<Upstream, &'static str> {
        serde_json::from_value::<Published>(value).unwrap().try_into()
    }

    #[test]
    fn what_is_not_said_has_a_default() {
        assert_eq!(read(json!({})).unwrap(), *Upstream::core());
        let one = read(json!({"origin": "http://a:1"})).unwrap();
        assert_eq!(one, read(json!({"endpoints": [{"origin": "http://a:1"}]})).unwrap());
        assert_eq!((one.balance, one.ejection.consecutive_failures, one.retry_budget), (Balance::LeastRequests, 5, 20));
    }

    #[test]
    fn everything_can_be_said() {
        let upstream = read(json!({
            "endpoints": [{"origin": "http://a:1", "weight": 3}, {"origin": "https://b"}],
            "balance": "hash", "hash_on": "header:X-Shard",
            "health": {"path": "/healthz", "interval_ms": 1000, "timeout_ms": 500, "healthy_after": 1, "unhealthy_after": 2},
            "ejection": {"consecutive_failures": 3, "for_ms": 100, "max_percent": 10},
            "slow_start_ms": 7, "max_connections": 8, "max_pending": 9, "retry_budget_percent": 10
        }))
        .unwrap();
        assert_eq!(upstream.endpoints[0].weight, 3);
        assert_eq!(upstream.balance, Balance::Hash(HashOn::Header("x-shard".into())));
        let health = upstream.health.unwrap();
        assert_eq!((health.interval, health.timeout, health.healthy_after, health.unhealthy_after), (1000, 500, 1, 2));
        let ejection = upstream.ejection;
        assert_eq!((ejection.consecutive_failures, ejection.time, ejection.max_percent), (3, 100, 10));
        assert_eq!((upstream.slow_start, upstream.max_connections, upstream.max_pending), (7, Some(8), 9));
        assert_eq!(upstream.retry_budget, 10);
    }

    #[test]
    fn mistakes_are_told() {
        #[rustfmt::skip]
        let cases = [
            (json!({"origin": "http://a", "endpoints": [{"origin": "http://b"}]}), "both"),
            (json!({"endpoints": [{"origin": "http://a/path"}]}), "host and port alone"),
            (json!({"endpoints": [{"origin": "http://a", "weight": 0}]}), "no endpoint has a weight"),
            (json!({"endpoints": [{"origin": "http://a", "weight": 1001}]}), "more than 1000"),
            (json!({"endpoints": [{"origin": "http://a"}, {"origin": "http://a"}]}), "twice"),
            (json!({"hash_on": "address"}), "needs the balance"),
            (json!({"balance": "hash", "hash_on": "cookie"}), "none of"),
            (json!({"balance": "hash", "hash_on": "header:"}), "none of"),
            (json!({"health": {"path": "healthz"}}), "no path"),
            (json!({"health": {"path": "/a b"}}), "no path"),
            (json!({"health": {"path": "/", "interval_ms": 1}}), "100 milliseconds"),
            (json!({"ejection": {"max_percent": 101}}), "more than 100"),
            (json!({"max_connections": 0}), "is 0"),
        ];
        for (upstream, wanted) in cases {
            let error = read(upstream.clone()).unwrap_err();
            assert!(error.contains(wanted), "{upstream}: {error}");
        }
    }
}
