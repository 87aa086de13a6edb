//! Policy `routing`: which route, upstream and time-outs a request gets.
//!
//! - A path is refused or brought into its one form first (`breakwater_kit::path`); that form is matched and
//!   forwarded, so that edge and core cannot disagree about what a path means.
//! - The most specific route wins, in this order: its host (a name before `*.name`, the longer before the shorter, before
//!   no host); its path, segment by segment from the left (a literal before `{name}` before `{*rest}`); its conditions
//!   (more before fewer; of as many, more exact values); a version before none. A route whose conditions do not hold is not
//!   there. Only then does the method count: a path that is there without the method is a 405, never a less specific route.
//! - `HEAD` is answered where `GET` is (RFC 9110, section 9.3.2). `OPTIONS` is a method like others: forwarded where a
//!   route lists it, otherwise 405 with `allow`. CORS preflights are answered by the pipeline before they come here.
//! - Two routes that could both answer a request, of which none is more specific, are a conflict, which `configure` refuses,
//!   naming both.
//! - A route is found in the time that its path's length takes, however many routes there are.

mod conditions;
mod config;
mod extras;
#[cfg(target_arch = "wasm32")]
mod guest;
mod hosts;
mod pattern;
mod query;
mod table;
mod target;
mod template;
mod trie;
mod versions;

use breakwater_kit::path;
use breakwater_kit::problems;
use breakwater_kit::types::*;
use config::{Compiled, Maintenance, RouteMaintenance};
use table::{Found, Table};
use target::Shape;
use versions::Versioning;

/// Bytes of path and query together that are looked at.
const MAX_TARGET: usize = 8 * 1024;

/// The policy.
#[derive(Default)]
pub struct Router {
    /// Nothing until the first configuration.
    configured: Option<Configured>,
}

struct Configured {
    table: Table,
    versioning: Option<Versioning>,
    maintenance: Option<Maintenance>,
}

impl Router {
    /// Takes the section `routing` of the snapshot, or says what is wrong with it and keeps what it had.
    pub fn configure(&mut self, section: &[u8]) -> Result<(), String> {
        let config = config::read(section)?;
        let table = Table::new(config.entries)?;
        self.configured = Some(Configured { table, versioning: config.versioning, maintenance: config.maintenance });
        Ok(())
    }

    /// The request headers that the policy reads: those of conditions, and the one that names a version.
    pub fn reads(&self) -> Vec<String> {
        let Some(Configured { table, versioning, .. }) = &self.configured else { return Vec::new() };
        let mut names: Vec<String> = table.reads().map(str::to_owned).collect();
        names.extend(versioning.iter().map(|versioning| versioning.header.clone()));
        names.sort();
        names.dedup();
        names
    }

    /// Where the request goes, and how.
    pub fn route(&self, request: &RequestHead) -> RouteDecision {
        match self.decide(request) {
            Ok(route) => RouteDecision::Forward(route),
            Err(problem) => RouteDecision::Refuse(problem),
        }
    }

    fn decide(&self, request: &RequestHead) -> Result<Route, Problem> {
        let configured = self.configured.as_ref().ok_or_else(|| problems::not_ready(1))?;
        let query = request.query.as_deref();
        if request.path.len() + query.map_or(0, |query| query.len() + 1) > MAX_TARGET {
            return Err(problems::uri_too_long());
        }
        let path = path::normalise(&request.path).map_err(|refused| problems::bad_request(refused.0))?;
        let found = configured.table.find(request, &path, configured.versioning.as_ref())?;
        configured.check_maintenance(&found)?;
        let (compiled, varies) = match found {
            Found::Route(compiled, varies) => (compiled, varies),
            Found::OtherMethods(allow) => return Err(problems::method_not_allowed(&allow)),
            Found::OtherVersions(versions) => return Err(problems::unsupported_version(&versions)),
            Found::Nothing => return Err(problems::not_found()),
        };
        // What RFC 3986, section 3.4 allows and some that clients send raw; nothing that could end the request line or
        // begin a fragment.
        if query.is_some_and(|query| !query.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#')) {
            return Err(problems::bad_request("The query has a character that is not allowed."));
        }
        let mut route = compiled.route.clone();
        if !varies.is_empty() {
            route.extras.get_or_insert_default().varies = varies;
        }
        match &compiled.shape {
            None => route.path_and_query = joined(path, query),
            Some(shape) => apply(shape, &mut route, request, path),
        }
        Ok(route)
    }
}

impl Configured {
    fn check_maintenance(&self, found: &Found<'_>) -> Result<(), Problem> {
        let maintenance = match found {
            Found::Route(Compiled { maintenance: RouteMaintenance::Never, .. }, _) => None,
            Found::Route(Compiled { maintenance: RouteMaintenance::Now(maintenance), .. }, _) => Some(maintenance),
            _ => self.maintenance.as_ref(),
        };
        match maintenance {
            None => Ok(()),
            Some(Maintenance { retry_after_seconds, detail }) => {
                Err(problems::maintenance(*retry_after_seconds, detail.as_deref()))
            }
        }
    }
}

fn joined(mut path: String, query: Option<&str>) -> String {
    if let Some(query) = query {
        path.push('?');
        path.push_str(query);
    }
    path
}

/// Makes of path and query what the route wants.
fn apply(shape: &Shape, route: &mut Route, request: &RequestHead, path: String) {
    if let (Some(redirect), Target::Answer(head)) = (&shape.redirect, &mut route.target) {
        head.headers.push(redirect.location(request, &path));
    }
    let path = shape.rewrite.as_ref().map_or_else(|| path.clone(), |template| template.fill(&path));
    let query = request.query.as_deref();
    if shape.query.is_empty() {
        route.path_and_query = joined(path, query);
    } else {
        route.path_and_query = joined(path, shape.query.apply(query).as_deref());
    }
}

#[cfg(test)]
mod tests;
