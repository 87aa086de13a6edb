//! The section `routing` of the snapshot (`docs/schemas/edge-snapshot.schema.json`).
//!
//! Unknown fields are ignored, so that an older edge reads a newer snapshot. Who may use a route has no default.

use breakwater_kit::types::{Requirement, Route};
use serde::Deserialize;

use crate::conditions::{self, Conditions};
use crate::extras;
use crate::hosts::Host;
use crate::pattern::Pattern;
use crate::query::Edits;
use crate::target::{self, Shape};
use crate::template::Template;
use crate::versions::Versioning;

/// The section, checked.
pub struct Config {
    pub entries: Vec<Entry>,
    pub versioning: Option<Versioning>,
    pub maintenance: Option<Maintenance>,
}

/// A route as it was published, checked.
pub struct Entry {
    pub hosts: Vec<Host>,
    pub methods: Vec<String>,
    pub pattern: Pattern,
    pub conditions: Conditions,
    pub version: Option<String>,
    pub compiled: Compiled,
}

/// What a matched route is.
pub struct Compiled {
    pub route: Route,
    /// What is made of path and query; most routes forward them as they are.
    pub shape: Option<Box<Shape>>,
    pub maintenance: RouteMaintenance,
}

/// Closed for a while.
#[derive(Debug, Clone, Deserialize)]
pub struct Maintenance {
    pub retry_after_seconds: u64,
    pub detail: Option<String>,
}

/// What a route says about maintenance.
pub enum RouteMaintenance {
    /// Nothing: it is closed when everything is.
    AsAll,
    /// It is open even then.
    Never,
    Now(Maintenance),
}

#[derive(Deserialize)]
struct Section {
    routes: Vec<RawRoute>,
    versioning: Option<Versioning>,
    maintenance: Option<Maintenance>,
}

#[derive(Deserialize)]
struct RawRoute {
    id: String,
    #[serde(default)]
    hosts: Vec<String>,
    methods: Vec<String>,
    path: String,
    #[serde(default)]
    when: conditions::Raw,
    version: Option<String>,
    target: target::Raw,
    rewrite: Option<String>,
    #[serde(default)]
    query: Edits,
    authentication: RawAuthentication,
    #[serde(default)]
    limits: Vec<String>,
    #[serde(default)]
    cacheable: bool,
    #[serde(default)]
    timeouts: RawTimeouts,
    #[serde(default)]
    retries: u32,
    #[serde(default)]
    upgrades: bool,
    #[serde(default = "default_max_body")]
    max_body_bytes: u64,
    maintenance: Option<RawMaintenance>,
    #[serde(flatten)]
    extras: extras::Raw,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum RawMaintenance {
    Switch(bool),
    Now(Maintenance),
}

#[derive(Deserialize)]
struct RawAuthentication {
    mode: Mode,
    #[serde(default)]
    scopes: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Mode {
    Public,
    Optional,
    Required,
}

#[derive(Deserialize)]
#[serde(default)]
struct RawTimeouts {
    connect_ms: u32,
    response_ms: u32,
    idle_ms: u32,
    overall_ms: u32,
}

impl Default for RawTimeouts {
    fn default() -> Self {
        Self { connect_ms: 1_000, response_ms: 15_000, idle_ms: 30_000, overall_ms: 0 }
    }
}

fn default_max_body() -> u64 {
    1024 * 1024
}

/// Reads the section, or says what is wrong with it.
pub fn read(section: &[u8]) -> Result<Config, String> {
    let section: Section = serde_json::from_slice(section).map_err(|error| format!("routing: {error}"))?;
    let versioning = section.versioning.map(Versioning::check).transpose()?;
    let known = versioning.as_ref().map_or(&[][..], |versioning| &versioning.known);
    let entries = section.routes.into_iter().map(|raw| {
        let id = raw.id.clone();
        entry(raw, known).map_err(|error| format!("route {id:?}: {error}"))
    });
    Ok(Config { entries: entries.collect::<Result<_, _>>()?, versioning, maintenance: section.maintenance })
}

fn entry(raw: RawRoute, versions: &[String]) -> Result<Entry, String> {
    if raw.id.is_empty() {
        return Err("the id is empty".into());
    }
    if raw.methods.is_empty() {
        return Err("there are no methods".into());
    }
    // Methods are case-sensitive (RFC 9110, section 9.1); a lower-case one is a mistake.
    if let Some(method) = raw.methods.iter().find(|method| !is_method(method)) {
        return Err(format!("{method:?} is no method"));
    }
    if let Some(version) = raw.version.as_ref().filter(|version| !versions.contains(version)) {
        return Err(format!("the version {version:?} is not among those of `versioning`"));
    }
    let pattern = Pattern::parse(&raw.path)?;
    let (target, redirect) = raw.target.read(&pattern)?;
    let rewrite = raw.rewrite.map(|text| Template::parse(&text, &pattern)).transpose()?;
    let shape = Shape { rewrite, query: raw.query, redirect };
    let requirement = match raw.authentication.mode {
        Mode::Required => Requirement::Required(raw.authentication.scopes),
        _ if !raw.authentication.scopes.is_empty() => {
            return Err("scopes need the authentication mode \"required\"".into());
        }
        Mode::Optional => Requirement::Optional,
        Mode::Public => Requirement::Public,
    };
    Ok(Entry {
        hosts: raw.hosts.iter().map(|host| Host::parse(host)).collect::<Result<_, _>>()?,
        methods: raw.methods,
        pattern,
        conditions: raw.when.read()?,
        version: raw.version,
        compiled: Compiled {
            shape: (!shape.is_plain()).then(|| Box::new(shape)),
            maintenance: match raw.maintenance {
                None | Some(RawMaintenance::Switch(true)) => RouteMaintenance::AsAll,
                Some(RawMaintenance::Switch(false)) => RouteMaintenance::Never,
                Some(RawMaintenance::Now(maintenance)) => RouteMaintenance::Now(maintenance),
            },
            route: Route {
                id: raw.id,
                target,
                path_and_query: String::new(),
                requirement,
                limits: raw.limits,
                cacheable: raw.cacheable,
                connect_timeout: raw.timeouts.connect_ms,
                response_timeout: raw.timeouts.response_ms,
                idle_timeout: raw.timeouts.idle_ms,
                overall_timeout: raw.timeouts.overall_ms,
                retries: raw.retries,
                upgrades: raw.upgrades,
                max_body: raw.max_body_bytes,
                extras: raw.extras.read()?,
            },
        },
    })
}

fn is_method(method: &str) -> bool {
    !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-')
}
