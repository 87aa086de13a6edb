//! The addresses of an upstream, in the order in which one request tries them.

use std::borrow::Cow;

use breakwater_pipeline::balance::choice;
use breakwater_pipeline::{Failure, Forward};

use crate::clock;
use crate::origin::Origin;

/// See the module.
pub struct Endpoints<'a> {
    core: &'a Origin,
    named: &'a [breakwater_pipeline::Endpoint],
    affinity: Option<u64>,
    /// The weights of those that were not tried yet.
    weights: Vec<u32>,
}

impl<'a> Endpoints<'a> {
    /// Of the upstream that a request goes to.
    pub fn of(core: &'a Origin, forward: &'a Forward) -> Self {
        let named = &forward.to.endpoints[..];
        Self { core, named, affinity: forward.affinity, weights: named.iter().map(|one| one.weight).collect() }
    }

    /// The next one; when all were tried, they begin anew.
    pub fn next(&mut self) -> Result<Cow<'a, Origin>, Failure> {
        if self.named.is_empty() {
            return Ok(Cow::Borrowed(self.core));
        }
        if !self.has_more() {
            self.weights = self.named.iter().map(|one| one.weight).collect();
        }
        let identity = |index: usize| choice::key(self.named[index].origin.as_bytes());
        let index = match self.affinity {
            Some(key) => choice::hashed(&self.weights, identity, key),
            None => choice::by_lot(&self.weights, clock::random()),
        };
        // The snapshot's reader has checked that some endpoint has a weight, and that all are origins.
        let index = index.ok_or(Failure::Forbidden)?;
        self.weights[index] = 0;
        Origin::parse(&self.named[index].origin).map(Cow::Owned).ok_or(Failure::Forbidden)
    }

    /// Whether there is one that was not tried.
    pub fn has_more(&self) -> bool {
        self.weights.iter().any(|weight| *weight > 0)
    }
}
