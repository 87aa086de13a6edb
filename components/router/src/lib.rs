//! Policy `routing`: which route, upstream and time-outs a request gets.

mod guest;

use breakwater_kit::types::*;

/// The policy. Being written: what it answers for now is the safe answer.
#[derive(Default)]
pub struct Router;

impl Router {
    /// Takes a new section of the snapshot.
    pub fn configure(&mut self, section: &[u8]) -> Result<(), String> {
        serde_json::from_slice::<serde::de::IgnoredAny>(section).map(|_| ()).map_err(|error| error.to_string())
    }

    /// Where the request goes.
    pub fn route(&self, _request: &RequestHead) -> RouteDecision {
        RouteDecision::Refuse(breakwater_kit::problems::not_ready(1))
    }
}
