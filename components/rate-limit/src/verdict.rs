//! From allowances to headers and refusals.

use breakwater_kit::problems;
use breakwater_kit::types::*;

/// Seconds after which a request is worth repeating that could not be counted.
const AWAY_RETRY_SECONDS: u64 = 1;

/// Seconds after which another of the requests at once may have ended; nobody can know.
const BUSY_RETRY_SECONDS: u64 = 1;

/// What the drawn buckets mean; `closed` says of a limit whether it refuses when the state is away.
pub fn judge(drawn: &[Drawn], leased: &[Leased], closed: impl Fn(&str) -> bool) -> LimitVerdict {
    let mut policies = Vec::with_capacity(drawn.len() + leased.len());
    let mut limits = Vec::with_capacity(drawn.len() + leased.len());
    let mut wait: Option<u64> = None;
    let mut away = false;
    for Drawn { bucket, allowance } in drawn {
        policies.push(format!("\"{}\";q={};w={}", bucket.name, bucket.limit, seconds(bucket.window)));
        match allowance {
            Some(allowance) if allowance.allowed => {
                let reset = seconds(allowance.reset_after);
                limits.push(format!("\"{}\";r={};t={reset}", bucket.name, allowance.remaining));
            }
            Some(allowance) => {
                // At least a second: a client that comes back at once would be refused again.
                let retry = seconds(allowance.retry_after).max(1);
                limits.push(format!("\"{}\";r={};t={retry}", bucket.name, allowance.remaining));
                wait = Some(wait.unwrap_or(0).max(retry));
            }
            None => away |= closed(&bucket.name),
        }
    }
    for Leased { lease, granted } in leased {
        policies.push(format!("\"{}\";q={};qu=\"concurrent-requests\"", lease.name, lease.limit));
        match granted {
            Some(true) => {}
            Some(false) => {
                limits.push(format!("\"{}\";r=0;t={BUSY_RETRY_SECONDS}", lease.name));
                wait = Some(wait.unwrap_or(0).max(BUSY_RETRY_SECONDS));
            }
            None => away |= closed(&lease.name),
        }
    }
    let headers = [("ratelimit-policy", policies), ("ratelimit", limits)]
        .into_iter()
        .filter(|(_, items)| !items.is_empty())
        .map(|(name, items)| Field::new(name, items.join(", ")))
        .collect();
    let refusal = match wait {
        Some(wait) => Some(problems::rate_limited(wait)),
        None if away => Some(problems::upstream_unavailable(AWAY_RETRY_SECONDS)),
        None => None,
    };
    LimitVerdict { headers, refusal }
}

/// Whole seconds, rounded up: `retry-after` and the draft know no fractions.
fn seconds(milliseconds: u64) -> u64 {
    milliseconds.div_ceil(1_000)
}
