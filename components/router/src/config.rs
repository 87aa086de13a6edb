//! The section `routing` of the snapshot (`docs/schemas/edge-snapshot.schema.json`).
//!
//! Unknown fields are ignored, so that an older edge reads a newer snapshot. Who may use a route has no default.

use breakwater_kit::types::{Requirement, Route, Target};
use serde::Deserialize;

use crate::pattern::Pattern;

/// A route as it was published, checked.
pub struct Entry {
    pub methods: Vec<String>,
    pub pattern: Pattern,
    pub route: Route,
}

#[derive(Deserialize)]
struct Section {
    routes: Vec<RawRoute>,
}

#[derive(Deserialize)]
struct RawRoute {
    id: String,
    methods: Vec<String>,
    path: String,
    target: RawTarget,
    authentication: RawAuthentication,
    #[serde(default)]
    limits: Vec<String>,
    #[serde(default)]
    cacheable: bool,
    #[serde(default)]
    timeouts: RawTimeouts,
    #[serde(default)]
    retries: u32,
    #[serde(default = "default_max_body")]
    max_body_bytes: u64,
}

#[derive(Deserialize)]
struct RawTarget {
    upstream: Option<String>,
    #[serde(default)]
    static_files: bool,
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
}

impl Default for RawTimeouts {
    fn default() -> Self {
        Self { connect_ms: 1_000, response_ms: 15_000, idle_ms: 30_000 }
    }
}

fn default_max_body() -> u64 {
    1024 * 1024
}

/// Reads the section, or says what is wrong with it.
pub fn read(section: &[u8]) -> Result<Vec<Entry>, String> {
    let section: Section = serde_json::from_slice(section).map_err(|error| format!("routing: {error}"))?;
    section
        .routes
        .into_iter()
        .map(|raw| {
            let id = raw.id.clone();
            entry(raw).map_err(|error| format!("route {id:?}: {error}"))
        })
        .collect()
}

fn entry(raw: RawRoute) -> Result<Entry, String> {
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
    let target = match (raw.target.upstream, raw.target.static_files) {
        (Some(upstream), false) if !upstream.is_empty() => Target::Upstream(upstream),
        (None, true) => Target::StaticFiles,
        _ => return Err("the target is either an upstream or static files".into()),
    };
    let requirement = match raw.authentication.mode {
        Mode::Required => Requirement::Required(raw.authentication.scopes),
        _ if !raw.authentication.scopes.is_empty() => {
            return Err("scopes need the authentication mode \"required\"".into());
        }
        Mode::Optional => Requirement::Optional,
        Mode::Public => Requirement::Public,
    };
    Ok(Entry {
        methods: raw.methods,
        pattern: Pattern::parse(&raw.path)?,
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
            retries: raw.retries,
            max_body: raw.max_body_bytes,
        },
    })
}

fn is_method(method: &str) -> bool {
    !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-')
}
