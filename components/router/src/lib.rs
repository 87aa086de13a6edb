//! Policy `routing`: which route, upstream and time-outs a request gets.
//!
//! - A path is refused or brought into its one form first (`breakwater_kit::path`); that form is matched and
//!   forwarded, so that edge and core cannot disagree about what a path means.
//! - The most specific pattern wins: segment by segment from the left, a literal before `{name}` before
//!   `{*rest}`. Only then does the method count: a path whose best pattern lacks the method is a 405, never
//!   a less specific route.
//! - `HEAD` is answered where `GET` is (RFC 9110, section 9.3.2). `OPTIONS` is a method like others: forwarded where a
//!   route lists it, otherwise 405 with `allow`. CORS preflights are answered by the pipeline before they come here.
//! - Patterns of one shape with the same method are a conflict, which `configure` refuses, naming both.

mod config;
#[cfg(target_arch = "wasm32")]
mod guest;
mod pattern;
mod table;
mod trie;

use breakwater_kit::path;
use breakwater_kit::problems;
use breakwater_kit::types::*;
use table::{Found, Table};

/// Bytes of path and query together that are looked at.
const MAX_TARGET: usize = 8 * 1024;

/// The policy.
#[derive(Default)]
pub struct Router {
    /// Nothing until the first configuration.
    table: Option<Table>,
}

impl Router {
    /// Takes the section `routing` of the snapshot, or says what is wrong with it and keeps what it had.
    pub fn configure(&mut self, section: &[u8]) -> Result<(), String> {
        self.table = Some(Table::new(config::read(section)?)?);
        Ok(())
    }

    /// The request headers that the policy reads.
    pub fn reads(&self) -> Vec<String> {
        Vec::new()
    }

    /// Where the request goes, and how.
    pub fn route(&self, request: &RequestHead) -> RouteDecision {
        match self.decide(request) {
            Ok(route) => RouteDecision::Forward(route),
            Err(problem) => RouteDecision::Refuse(problem),
        }
    }

    fn decide(&self, request: &RequestHead) -> Result<Route, Problem> {
        let table = self.table.as_ref().ok_or_else(|| problems::not_ready(1))?;
        let query = request.query.as_deref();
        if request.path.len() + query.map_or(0, |query| query.len() + 1) > MAX_TARGET {
            return Err(problems::uri_too_long());
        }
        let mut path = path::normalise(&request.path).map_err(|refused| problems::bad_request(refused.0))?;
        let mut route = match table.find(&request.method, &path) {
            Found::Route(route) => route.clone(),
            Found::OtherMethods(allow) => return Err(problems::method_not_allowed(allow)),
            Found::Nothing => return Err(problems::not_found()),
        };
        if let Some(query) = query {
            // What RFC 3986, section 3.4 allows and some that clients send raw; nothing that could end the
            // request line or begin a fragment.
            if !query.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#') {
                return Err(problems::bad_request("The query has a character that is not allowed."));
            }
            path.push('?');
            path.push_str(query);
        }
        route.path_and_query = path;
        Ok(route)
    }
}

#[cfg(test)]
mod tests;
