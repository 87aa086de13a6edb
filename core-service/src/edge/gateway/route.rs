//! A route, as the file has it and as the snapshot has it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use toml::value::Datetime;

use super::file::{Ending, Maintenance, Versioning};
use super::{notices, without_nulls};
use crate::edge::routes::Own;

/// A route.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Route {
    pub(super) id: String,
    pub(super) path: String,
    #[serde(default = "all_methods")]
    pub(super) methods: Vec<String>,
    #[serde(default)]
    pub(super) hosts: Vec<String>,
    #[serde(default)]
    pub(super) when: When,
    pub(super) version: Option<String>,
    /// Whether it may take requests of the core's own routes.
    #[serde(default)]
    pub(super) overrides_core: bool,

    // Who answers: one of these.
    pub(super) upstream: Option<String>,
    pub(super) split: Option<BTreeMap<String, u32>>,
    pub(super) redirect: Option<Redirect>,
    #[serde(default)]
    pub(super) static_files: bool,
    /// Of a split: who stays with their upstream.
    pub(super) sticky: Option<Sticky>,

    pub(super) authentication: String,
    #[serde(default)]
    scopes: Vec<String>,
    pub(super) limits: Option<Vec<String>>,
    #[serde(default)]
    cache: bool,
    /// Whether answers may be compressed on their way to the client.
    #[serde(default = "yes")]
    compress: bool,
    /// Whether a client may open a WebSocket.
    #[serde(default)]
    websockets: bool,
    #[serde(default)]
    timeouts: Timeouts,
    retries: Option<u32>,
    max_body_bytes: Option<u64>,

    rewrite: Option<String>,
    query: Option<Query>,
    request: Option<Edits>,
    response: Option<Edits>,
    pub(super) deprecated: Option<Datetime>,
    pub(super) sunset: Option<Datetime>,
    pub(super) link: Option<String>,
    maintenance: Option<RouteMaintenance>,
    cors: Option<Cors>,
    pub(super) mirror: Option<Mirror>,
}

fn all_methods() -> Vec<String> {
    ["GET", "POST", "PUT", "PATCH", "DELETE"].map(str::to_owned).to_vec()
}

/// What else has to hold. A value is a text, true for any, false for none.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct When {
    scheme: Option<String>,
    headers: BTreeMap<String, Want>,
    query: BTreeMap<String, Want>,
    cookies: BTreeMap<String, Want>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(untagged)]
enum Want {
    Text(String),
    There(bool),
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Redirect {
    to: String,
    #[serde(default = "permanent")]
    status: u16,
    #[serde(default = "yes")]
    keep_query: bool,
}

fn permanent() -> u16 {
    308
}

fn yes() -> bool {
    true
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Sticky {
    Caller,
    Address,
    Nobody,
    Cookie(String),
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Timeouts {
    connect_ms: Option<u64>,
    response_ms: Option<u64>,
    idle_ms: Option<u64>,
    overall_ms: Option<u64>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Query {
    #[serde(default)]
    remove: Vec<String>,
    #[serde(default)]
    set: BTreeMap<String, String>,
    #[serde(default)]
    add: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Edits {
    #[serde(default)]
    headers: Vec<HeaderEdit>,
    #[serde(default)]
    body: Vec<BodyEdit>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum HeaderEdit {
    Set(String, String),
    Add(String, String),
    Remove(String),
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum BodyEdit {
    Set(String, Value),
    Add(String, Value),
    Remove(String),
    Rename(String, String),
    Map(String, Vec<(Value, Value)>),
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(untagged)]
enum RouteMaintenance {
    /// `false`: open even when everything else is closed.
    Switch(bool),
    Now(Maintenance),
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Cors {
    allowed_origins: Vec<String>,
    #[serde(default)]
    methods: Vec<String>,
    #[serde(default)]
    headers: Vec<String>,
    #[serde(default)]
    exposed: Vec<String>,
    #[serde(default)]
    credentials: bool,
    #[serde(default)]
    max_age_seconds: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Mirror {
    pub(super) upstream: String,
    pub(super) percent: f64,
}

impl Route {
    /// Every upstream that it names, with the member that does.
    pub(super) fn upstreams(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let split = self.split.iter().flatten().map(|(name, _)| ("split", name.as_str()));
        let mirror = self.mirror.iter().map(|mirror| ("mirror", mirror.upstream.as_str()));
        self.upstream.iter().map(|name| ("upstream", name.as_str())).chain(split).chain(mirror)
    }

    /// How many answers it has to the question who answers.
    pub(super) fn targets(&self) -> usize {
        [self.upstream.is_some(), self.split.is_some(), self.redirect.is_some(), self.static_files]
            .into_iter()
            .filter(|said| *said)
            .count()
    }

    /// When it ends: its own dates, else those of its version.
    pub(super) fn notices(
        &self,
        versioning: Option<&Versioning>,
    ) -> Result<Vec<(&'static str, String)>, (&'static str, String)> {
        let own = Ending { deprecated: self.deprecated, sunset: self.sunset, link: self.link.clone() };
        let version = self.version.as_ref().and_then(|version| versioning?.versions.get(version));
        notices::headers(&own, version)
    }

    /// As the snapshot has it. What was not said is as with the core's own routes.
    pub(super) fn published(&self, versioning: Option<&Versioning>, own: &Own) -> Value {
        let mut limits = vec!["address".to_owned()];
        if self.authentication != "public" {
            limits.push("caller".to_owned());
        }
        let (set, usual) = (&self.timeouts, own.timeouts);
        let mut route = json!({
            "id": self.id,
            "methods": self.methods,
            "path": self.path,
            "target": self.target(),
            "authentication": { "mode": self.authentication, "scopes": self.scopes },
            "limits": self.limits.as_ref().unwrap_or(&limits),
            "cacheable": self.cache,
            "timeouts": {
                "connect_ms": set.connect_ms.unwrap_or(usual.connect_ms),
                "response_ms": set.response_ms.unwrap_or(usual.response_ms),
                "idle_ms": set.idle_ms.unwrap_or(usual.idle_ms),
                "overall_ms": set.overall_ms.unwrap_or_default(),
            },
            // Edges repeat only what may be repeated without harm.
            "retries": self.retries.unwrap_or(1),
            "max_body_bytes": self.max_body_bytes.unwrap_or(own.max_body_bytes),
        });
        let more = without_nulls(json!({
            "compress": (!self.compress).then_some(false),
            "upgrades": self.websockets.then_some(true),
            "hosts": self.hosts,
            "when": self.when,
            "version": self.version,
            "rewrite": self.rewrite,
            "query": self.query,
            "request": self.request,
            "response": self.response,
            // Mistakes in them were found before.
            "notices": self.notices(versioning).unwrap_or_default(),
            "maintenance": self.maintenance,
            "cors": self.cors,
            "mirror": self.mirror.as_ref().map(Mirror::published),
        }));
        let (Value::Object(route_members), Value::Object(more)) = (&mut route, more) else { return route };
        route_members.extend(more.into_iter().filter(|(_, value)| !is_empty(value)));
        route
    }

    fn target(&self) -> Value {
        if let Some(name) = &self.upstream {
            json!({ "upstream": name })
        } else if let Some(split) = &self.split {
            let upstreams: Vec<_> =
                split.iter().map(|(name, weight)| json!({ "upstream": name, "weight": weight })).collect();
            let sticky = self.sticky.as_ref().unwrap_or(&Sticky::Caller);
            json!({ "split": { "upstreams": upstreams, "sticky": sticky } })
        } else if let Some(redirect) = &self.redirect {
            json!({ "redirect": redirect })
        } else {
            json!({ "static_files": true })
        }
    }
}

impl Mirror {
    /// Of 10,000 requests.
    fn published(&self) -> Value {
        json!({ "upstream": self.upstream, "share": (self.percent * 100.0).round() as u32 })
    }
}

fn is_empty(value: &Value) -> bool {
    let all_empty = |members: &Map<String, Value>| members.values().all(is_empty);
    value.as_array().is_some_and(Vec::is_empty) || value.as_object().is_some_and(all_empty)
}
