//! From allowances to refusals.

use breakwater_kit::gcra::{BUSY_RETRY_SECONDS, retry_seconds};
use breakwater_kit::problems;
use breakwater_kit::types::*;

/// Seconds after which a request is worth repeating that could not be counted.
const AWAY_RETRY_SECONDS: u64 = 1;

/// What the drawn buckets mean; `closed` says of a limit whether it refuses when the state is away.
pub fn judge(drawn: &[Drawn], leased: &[Leased], closed: impl Fn(&str) -> bool) -> Option<Problem> {
    let used_up = drawn.iter().filter_map(|drawn| drawn.allowance.as_ref()).filter(|allowance| !allowance.allowed);
    let used_up = used_up.map(retry_seconds);
    let busy = leased.iter().filter(|leased| leased.granted == Some(false)).map(|_| BUSY_RETRY_SECONDS);
    if let Some(wait) = used_up.chain(busy).max() {
        return Some(problems::rate_limited(wait));
    }
    let uncounted = drawn.iter().filter(|drawn| drawn.allowance.is_none()).map(|drawn| &drawn.bucket.name);
    let unheld = leased.iter().filter(|leased| leased.granted.is_none()).map(|leased| &leased.lease.name);
    let away = uncounted.chain(unheld).any(|name| closed(name));
    away.then(|| problems::upstream_unavailable(AWAY_RETRY_SECONDS))
}
