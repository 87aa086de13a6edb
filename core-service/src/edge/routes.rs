//! The edges' routes, made from our own OpenAPI document: one operation, one route (docs/decisions/0004).
//!
//! An operation's security requirement becomes the route's authentication; `x-breakwater-limits` adds rate limits to
//! the ones that every route has; `x-breakwater-cacheable` lets edges keep its answers.

use serde::Serialize;
use serde_json::Value;

use crate::config::Config;
use crate::http::uploads;

/// A route, as edges are told it.
#[derive(Debug, Serialize)]
pub(super) struct Route {
    pub(super) id: String,
    pub(super) methods: Vec<String>,
    pub(super) path: String,
    target: Target,
    authentication: Authentication,
    limits: Vec<String>,
    cacheable: bool,
    timeouts: Timeouts,
    retries: u32,
    max_body_bytes: u64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum Target {
    Upstream(&'static str),
    StaticFiles(bool),
}

#[derive(Debug, Serialize)]
struct Authentication {
    mode: &'static str,
    scopes: Vec<String>,
}

#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Timeouts {
    pub(super) connect_ms: u64,
    pub(super) response_ms: u64,
    pub(super) idle_ms: u64,
}

/// The core's own routes, and what they have in common.
pub(super) struct Own {
    pub(super) routes: Vec<Route>,
    pub(super) timeouts: Timeouts,
    pub(super) max_body_bytes: u64,
}

impl Own {
    /// The route that gives the console's files for every path that nobody else has.
    pub(super) const FILES: &str = "static-files";

    /// The routes of `document`, and the console's files.
    pub(super) fn new(document: &Value, config: &Config) -> anyhow::Result<Self> {
        let (http, files) = (&config.http, &config.files);
        let timeouts = Timeouts {
            connect_ms: 1000,
            // A little longer than our own, so that our answer wins.
            response_ms: http.request_timeout.as_millis() as u64 + 1000,
            idle_ms: 30_000,
        };
        let routes = from_openapi(document, http.max_body_bytes as u64, files.max_bytes, timeouts)?;
        Ok(Self { routes, timeouts, max_body_bytes: http.max_body_bytes as u64 })
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = &str> {
        self.routes.iter().map(|route| route.id.as_str())
    }

    /// Some routes: id, method and path.
    #[cfg(test)]
    pub(super) fn of(routes: &[(&str, &str, &str)]) -> Self {
        let paths = routes.iter().map(|(id, method, path)| {
            (path.to_string(), serde_json::json!({ method.to_lowercase(): { "operationId": id } }))
        });
        let document = serde_json::json!({ "paths": paths.collect::<serde_json::Map<_, _>>() });
        let timeouts = Timeouts { connect_ms: 1, response_ms: 1, idle_ms: 1 };
        let routes = from_openapi(&document, 1, 1, timeouts).unwrap_or_default();
        Self { routes, timeouts, max_body_bytes: 1 }
    }
}

fn from_openapi(
    document: &Value,
    max_body_bytes: u64,
    max_upload_bytes: u64,
    timeouts: Timeouts,
) -> anyhow::Result<Vec<Route>> {
    let mut routes = Vec::new();
    let paths = document["paths"].as_object().into_iter().flatten();
    for (path, item) in paths {
        for (method, operation) in item.as_object().into_iter().flatten() {
            let method = method.to_uppercase();
            if !["GET", "PUT", "POST", "DELETE", "PATCH"].contains(&method.as_str()) {
                continue;
            }
            let id = operation["operationId"].as_str();
            let upload = operation[uploads::EXTENSION] == true;
            let authentication = authentication(&operation["security"]);
            let mut limits = vec!["address".to_owned()];
            if authentication.mode != "public" {
                limits.push("caller".to_owned());
            }
            limits.extend(strings(&operation["x-breakwater-limits"]));
            routes.push(Route {
                id: id.ok_or_else(|| anyhow::anyhow!("{method} {path} has no operationId"))?.to_owned(),
                path: path.clone(),
                target: Target::Upstream("core"),
                authentication,
                limits,
                cacheable: operation["x-breakwater-cacheable"] == true,
                timeouts,
                // Only what may be repeated without harm: RFC 9110 section 9.2.2.
                retries: u32::from(!upload && ["GET", "PUT", "DELETE"].contains(&method.as_str())),
                max_body_bytes: if upload { max_upload_bytes } else { max_body_bytes },
                methods: vec![method],
            });
        }
    }
    routes.push(Route {
        id: Own::FILES.to_owned(),
        // Whatever the method, an unknown path is unknown: 404, not 405.
        methods: ["GET", "POST", "PUT", "PATCH", "DELETE"].map(str::to_owned).to_vec(),
        path: "/{*rest}".to_owned(),
        target: Target::StaticFiles(true),
        authentication: Authentication { mode: "public", scopes: Vec::new() },
        limits: vec!["address".to_owned()],
        cacheable: false,
        timeouts,
        retries: 0,
        max_body_bytes,
    });
    Ok(routes)
}

/// OpenAPI 3.1: a list of alternatives; an empty one means that no credentials will do as well.
fn authentication(security: &Value) -> Authentication {
    let alternatives = security.as_array().map_or(&[][..], Vec::as_slice);
    let anonymous = alternatives.iter().any(|one| one.as_object().is_none_or(|o| o.is_empty()));
    let bearer = alternatives.iter().find_map(|one| one.get("bearer"));
    let (mode, scopes) = match (bearer, anonymous) {
        (None, _) => ("public", Vec::new()),
        (Some(_), true) => ("optional", Vec::new()),
        (Some(scopes), false) => ("required", strings(scopes)),
    };
    Authentication { mode, scopes }
}

fn strings(list: &Value) -> Vec<String> {
    let items = list.as_array().into_iter().flatten();
    items.filter_map(|item| item.as_str().map(str::to_owned)).collect()
}
