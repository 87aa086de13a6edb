//! What an answer says of the limits that its request drew on (draft-ietf-httpapi-ratelimit-headers-11).
//!
//! `r` is what could be used at once, and `t` the seconds until the allowance is full again, or on a refusal until the
//! request may be repeated, as `retry-after` says.

use std::fmt::Write;

use breakwater_kit::gcra::{BUSY_RETRY_SECONDS, retry_seconds, whole_seconds};
use breakwater_kit::types::{Drawn, Field, Leased};

/// Whether the policy has nothing to judge: everything is counted and allowed.
pub fn all_allowed(drawn: &[Drawn], leased: &[Leased]) -> bool {
    drawn.iter().all(|drawn| drawn.allowance.as_ref().is_some_and(|allowance| allowance.allowed))
        && leased.iter().all(|leased| leased.granted == Some(true))
}

/// `ratelimit-policy` and `ratelimit`, as far as there is something to say.
pub fn headers(drawn: &[Drawn], leased: &[Leased]) -> impl Iterator<Item = Field> {
    // Writing to a string does not fail.
    let (mut policies, mut limits) = (String::new(), String::new());
    for Drawn { bucket, allowance } in drawn {
        let name = next(&mut policies, &bucket.name);
        let _ = write!(name, ";q={};w={}", bucket.limit, whole_seconds(bucket.window));
        let Some(allowance) = allowance else { continue };
        let after = if allowance.allowed { whole_seconds(allowance.reset_after) } else { retry_seconds(allowance) };
        let _ = write!(next(&mut limits, &bucket.name), ";r={};t={after}", allowance.remaining);
    }
    for Leased { lease, granted } in leased {
        let _ = write!(next(&mut policies, &lease.name), ";q={};qu=\"concurrent-requests\"", lease.limit);
        if *granted == Some(false) {
            let _ = write!(next(&mut limits, &lease.name), ";r=0;t={BUSY_RETRY_SECONDS}");
        }
    }
    let both = [("ratelimit-policy", policies), ("ratelimit", limits)].into_iter();
    both.filter(|(_, list)| !list.is_empty()).map(|(name, list)| Field::new(name, list))
}

/// Begins the next item of a list.
fn next<'a>(list: &'a mut String, name: &str) -> &'a mut String {
    list.push_str(if list.is_empty() { "\"" } else { ", \"" });
    list.push_str(name);
    list.push('"');
    list
}

#[cfg(test)]
mod tests {
    use breakwater_kit::types::{Allowance, Bucket, Lease};

    use super::*;

    fn drawn(name: &str, limit: u64, allowance: Option<(bool, u64, u64, u64)>) -> Drawn {
        let allowance = allowance.map(|(allowed, remaining, retry_after, reset_after)| Allowance {
            allowed,
            remaining,
            retry_after,
            reset_after,
        });
        Drawn { bucket: Bucket { name: name.into(), limit, window: 60_000, ..Bucket::default() }, allowance }
    }

    fn leased(granted: Option<bool>) -> Leased {
        Leased { lease: Lease { key: "k".into(), name: "exports".into(), limit: 2, ttl: 1 }, granted }
    }

    fn said(drawn: &[Drawn], leased: &[Leased]) -> Vec<String> {
        let line = |field: Field| format!("{}: {}", field.name, String::from_utf8_lossy(&field.value));
        headers(drawn, leased).map(line).collect()
    }

    #[test]
    fn headers_follow_the_draft() {
        let both =
            [drawn("address", 12_000, Some((true, 999, 0, 5))), drawn("caller", 6_000, Some((true, 10, 0, 59_001)))];
        assert_eq!(
            said(&both, &[]),
            [
                r#"ratelimit-policy: "address";q=12000;w=60, "caller";q=6000;w=60"#,
                r#"ratelimit: "address";r=999;t=1, "caller";r=10;t=60"#,
            ]
        );
        assert!(all_allowed(&both, &[leased(Some(true))]));
        assert!(said(&[], &[]).is_empty());
    }

    #[test]
    fn a_refusal_says_when_to_come_back() {
        let refused =
            [drawn("sign-in", 9, Some((false, 0, 1_001, 15_000))), drawn("caller", 9, Some((false, 0, 0, 60_000)))];
        assert_eq!(said(&refused, &[])[1], r#"ratelimit: "sign-in";r=0;t=2, "caller";r=0;t=1"#);
        assert!(!all_allowed(&refused, &[]));
        let held = [leased(Some(true))];
        assert_eq!(said(&[], &held), [r#"ratelimit-policy: "exports";q=2;qu="concurrent-requests""#]);
        assert_eq!(said(&[], &[leased(Some(false))])[1], r#"ratelimit: "exports";r=0;t=1"#);
        assert!(!all_allowed(&[], &[leased(Some(false))]));
    }

    #[test]
    fn what_could_not_be_counted_is_not_said() {
        assert_eq!(said(&[drawn("address", 1, None)], &[]), [r#"ratelimit-policy: "address";q=1;w=60"#]);
        assert!(!all_allowed(&[drawn("address", 1, None)], &[]) && !all_allowed(&[], &[leased(None)]));
    }
}
