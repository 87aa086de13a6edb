//! Where requests can be sent, and how one of several endpoints is chosen (docs/upstreams.md).

use breakwater_pipeline::is_origin;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::mistake::{Mistake, Place};
use super::without_nulls;

/// An upstream. What is not said is left to the edges' defaults.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Upstream {
    /// One address,
    origin: Option<String>,
    /// or several.
    endpoints: Option<Vec<Endpoint>>,
    balance: Option<Balance>,
    hash_on: Option<String>,
    health: Option<Health>,
    ejection: Option<Ejection>,
    slow_start_ms: Option<u64>,
    max_connections: Option<u32>,
    max_pending: Option<u32>,
    retry_budget_percent: Option<u32>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Endpoint {
    origin: String,
    weight: Option<u32>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Balance {
    LeastRequests,
    RoundRobin,
    Hash,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Health {
    path: String,
    interval_ms: Option<u64>,
    timeout_ms: Option<u64>,
    healthy_after: Option<u32>,
    unhealthy_after: Option<u32>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Ejection {
    consecutive_failures: Option<u32>,
    for_ms: Option<u64>,
    max_percent: Option<u32>,
}

impl Upstream {
    /// Every address of it, with its place.
    pub(super) fn origins(&self) -> impl Iterator<Item = (Place, &str)> {
        let endpoints = self.endpoints.iter().flatten().enumerate().map(|(number, endpoint)| {
            let place = Place::default().of("endpoints").of(number).of("origin");
            (place, endpoint.origin.as_str())
        });
        self.origin.iter().map(|origin| (Place::default().of("origin"), origin.as_str())).chain(endpoints)
    }

    /// What is wrong with its addresses. The rest is tried on the edges' own reader.
    pub(super) fn mistakes(&self, name: &str, place: &Place) -> Vec<Mistake> {
        let addresses = self.origins().count();
        if name == "core" {
            let text = "the core's addresses are the edges' own `core_url`: say here only how they are used";
            return (addresses > 0).then(|| place.clone().wrong(text)).into_iter().collect();
        }
        if addresses == 0 {
            return vec![place.clone().wrong("say where it is: `origin`, or `endpoints`")];
        }
        if self.origin.is_some() && self.endpoints.is_some() {
            return vec![place.clone().of("origin").wrong("say `origin` or `endpoints`, not both")];
        }
        let bad = self.origins().filter(|(_, origin)| !is_origin(origin));
        bad.map(|(inside, origin)| {
            let text = format!("{origin:?} is not scheme, host and port alone, such as https://shop.internal:8443");
            place.clone().within(inside).wrong(text)
        })
        .collect()
    }

    /// As the snapshot has it.
    pub(super) fn published(&self) -> Value {
        without_nulls(json!(self))
    }
}
