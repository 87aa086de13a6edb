//! Policy `rate-limiting`: which allowances a request draws on, and when it is refused.
//!
//! - A limit counts by the client's address, by the caller or API key that was recognised (skipped for strangers), by the
//!   route, or by a header. One person has a whole /64 of IPv6, so that is what is counted (RFC 6177, section 2); an IPv4
//!   address that came mapped into IPv6 is the IPv4 address.
//! - A limit may have several windows, which hold together, and a number of requests at once. What it allows may depend
//!   on the caller's plan, what a request costs on its route.
//! - The first plan holds what can be counted without knowing the caller, so that strangers pay before a signature
//!   is checked for them; the second holds the rest.
//! - A route may name a limit that the section does not have: the snapshot's makers turn limits off that way.
//! - When the state is away, each limit says itself whether it lets requests through (`open`, the default) or refuses
//!   them (`closed`).

mod config;
mod counted;
#[cfg(target_arch = "wasm32")]
mod guest;
mod verdict;

use breakwater_kit::types::*;
use config::{By, Limit};

/// The policy.
#[derive(Default)]
pub struct RateLimiter {
    limits: Vec<Limit>,
}

impl RateLimiter {
    /// Takes the section `rate_limiting` of the snapshot, or says what is wrong with it and keeps what it had.
    pub fn configure(&mut self, section: &[u8]) -> Result<(), String> {
        self.limits = config::read(section)?;
        Ok(())
    }

    /// The request headers that the policy reads: those that limits count by.
    pub fn reads(&self) -> Vec<String> {
        let counted = |limit: &Limit| if let By::Header(name) = &limit.by { Some(name.clone()) } else { None };
        self.limits.iter().filter_map(counted).collect()
    }

    /// What the request draws on: without a caller what can be counted without one, with one the rest.
    pub fn draw(&self, presented: &Presented, route: &str, limits: &[String], caller: Option<&Subscriber>) -> DrawPlan {
        let mut plan = DrawPlan { buckets: Vec::with_capacity(limits.len()), ..DrawPlan::default() };
        for (index, name) in limits.iter().enumerate() {
            // A route that names a limit twice draws on it once.
            let Some(limit) = self.limit(name).filter(|_| !limits[..index].contains(name)) else { continue };
            if limit.needs_caller() != caller.is_some() {
                plan.again_with_caller |= limit.needs_caller();
                continue;
            }
            if let Some(key) = counted::key(limit, presented, route, caller) {
                let subscribed = caller.and_then(|caller| caller.plan.as_deref());
                limit.draw(&key, route, subscribed, &mut plan.buckets, &mut plan.leases);
            }
        }
        plan
    }

    /// Whether what became of it is a refusal.
    pub fn judge(&self, drawn: &[Drawn], leased: &[Leased]) -> Option<Problem> {
        let closed = |name: &str| self.limits.iter().any(|limit| limit.closed && limit.answers_for(name));
        verdict::judge(drawn, leased, closed)
    }

    fn limit(&self, name: &str) -> Option<&Limit> {
        self.limits.iter().find(|limit| limit.name == name)
    }
}

#[cfg(test)]
mod tests;
