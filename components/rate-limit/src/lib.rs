//! Policy `rate-limiting`: which allowances a request draws on, and what its answer's headers say.
//!
//! - A limit counts by the client's address, or by the caller that was recognised (skipped for strangers). One person
//!   has a whole /64 of IPv6, so that is what is counted (RFC 6177, section 2); an IPv4 address that came mapped into
//!   IPv6 is the IPv4 address.
//! - The first plan holds what can be counted without knowing the caller, so that strangers pay before a signature
//!   is checked for them; the second holds the rest.
//! - A route may name a limit that the section does not have: the snapshot's makers turn limits off that way.
//! - When the state is away, each limit says itself whether it lets requests through (`open`, the default) or refuses
//!   them (`closed`).
//! - Headers after draft-ietf-httpapi-ratelimit-headers-11: `r` is what could be used at once, and `t` the seconds until the
//!   allowance is full again, or on a refusal until the request may be repeated, as `retry-after` says.

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

    /// What the request draws on: without a caller what is counted by address, with one what is counted by caller.
    pub fn draw(&self, request: &RequestHead, limits: &[String], caller: Option<&Caller>) -> DrawPlan {
        let mut buckets: Vec<Bucket> = Vec::with_capacity(limits.len());
        let mut again_with_caller = false;
        for limit in limits.iter().filter_map(|name| self.limit(name)) {
            let key = match (limit.by, caller) {
                (By::Address, None) => counted::by_address(&limit.name, &request.client_address),
                (By::Caller, Some(caller)) => counted::by_caller(&limit.name, caller),
                (By::Caller, None) => {
                    again_with_caller = true;
                    continue;
                }
                (By::Address, Some(_)) => continue,
            };
            // A route that names a limit twice draws on it once.
            if buckets.iter().all(|bucket| bucket.key != key) {
                buckets.push(limit.bucket(key));
            }
        }
        DrawPlan { buckets, again_with_caller }
    }

    /// What became of it, for the answer.
    pub fn judge(&self, drawn: &[Drawn]) -> LimitVerdict {
        verdict::judge(drawn, |name| self.limit(name).is_some_and(|limit| limit.closed))
    }

    fn limit(&self, name: &str) -> Option<&Limit> {
        self.limits.iter().find(|limit| limit.name == name)
    }
}

#[cfg(test)]
mod tests;
