//! The policy as the gateway sees it.

#![allow(clippy::unwrap_used)]

use breakwater_kit::gcra;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn limiter() -> RateLimiter {
    let mut limiter = RateLimiter::default();
    let section = json!({"limits": [
        {"name": "address", "by": "address", "quota": 12_000, "window_seconds": 60, "burst": 1_000, "cost": 1,
         "when_state_is_away": "open", "later": true},
        {"name": "sign-in", "by": "address", "quota": 120, "window_seconds": 60, "burst": 30, "when_state_is_away": "closed"},
        {"name": "caller", "by": "caller", "quota": 6_000, "window_seconds": 60}
    ], "later": 1});
    limiter.configure(section.to_string().as_bytes()).unwrap();
    limiter
}

fn request(address: &str) -> RequestHead {
    RequestHead {
        method: "GET".into(),
        scheme: "https".into(),
        authority: "edge.example".into(),
        path: "/".into(),
        query: None,
        headers: Vec::new(),
        client_address: address.into(),
    }
}

fn caller() -> Caller {
    Caller {
        issuer: "https://issuer.example".into(),
        subject: "ada".into(),
        session: None,
        scopes: Vec::new(),
        expires_at: 0,
    }
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).into()).collect()
}

fn keys(plan: &DrawPlan) -> Vec<&str> {
    plan.buckets.iter().map(|bucket| bucket.key.as_str()).collect()
}

fn text(headers: &[Field]) -> Vec<String> {
    headers.iter().map(|field| format!("{}: {}", field.name, String::from_utf8_lossy(&field.value))).collect()
}

#[test]
fn what_needs_no_caller_is_drawn_first() {
    let limiter = limiter();
    let all = names(&["sign-in", "caller", "address", "unheard-of", "address"]);
    let first = limiter.draw(&request("192.0.2.1"), &all, None);
    assert_eq!(keys(&first), ["limit:sign-in:address:192.0.2.1", "limit:address:address:192.0.2.1"]);
    assert!(first.again_with_caller);
    let bucket = &first.buckets[0];
    assert_eq!(
        (bucket.name.as_str(), bucket.limit, bucket.window, bucket.burst, bucket.cost),
        ("sign-in", 120, 60_000, 30, 1)
    );

    let second = limiter.draw(&request("192.0.2.1"), &all, Some(&caller()));
    assert_eq!(keys(&second), ["limit:caller:caller:22:https://issuer.example:ada"]);
    assert_eq!((second.buckets[0].burst, second.again_with_caller), (6_000, false));

    let none = limiter.draw(&request("192.0.2.1"), &names(&["address"]), None);
    assert!(!none.again_with_caller);
    assert!(limiter.draw(&request(""), &[], None).buckets.is_empty());
}

fn drawn(limiter: &RateLimiter, name: &str, allowance: Option<(bool, u64, u64, u64)>) -> Drawn {
    let caller = caller();
    let known = (name == "caller").then_some(&caller);
    let bucket = limiter.draw(&request("192.0.2.1"), &names(&[name]), known).buckets.remove(0);
    let allowance = allowance.map(|(allowed, remaining, retry_after, reset_after)| Allowance {
        allowed,
        remaining,
        retry_after,
        reset_after,
    });
    Drawn { bucket, allowance }
}

#[test]
fn headers_follow_the_draft() {
    let limiter = limiter();
    let verdict = limiter.judge(&[
        drawn(&limiter, "address", Some((true, 999, 0, 5))),
        drawn(&limiter, "caller", Some((true, 10, 0, 59_001))),
    ]);
    assert_eq!(
        text(&verdict.headers),
        [
            "ratelimit-policy: \"address\";q=12000;w=60, \"caller\";q=6000;w=60",
            "ratelimit: \"address\";r=999;t=1, \"caller\";r=10;t=60",
        ]
    );
    assert_eq!(verdict.refusal, None);
    assert_eq!(limiter.judge(&[]), LimitVerdict { headers: Vec::new(), refusal: None });
}

#[test]
fn the_longest_wait_counts() {
    let limiter = limiter();
    let verdict = limiter.judge(&[
        drawn(&limiter, "address", Some((true, 7, 0, 1_000))),
        drawn(&limiter, "sign-in", Some((false, 0, 1_001, 15_000))),
        drawn(&limiter, "caller", Some((false, 0, 1, 60_000))),
    ]);
    assert_eq!(text(&verdict.headers)[1], "ratelimit: \"address\";r=7;t=1, \"sign-in\";r=0;t=2, \"caller\";r=0;t=1");
    let refusal = verdict.refusal.unwrap();
    assert_eq!((refusal.status, refusal.slug.as_str()), (429, "rate-limited"));
    assert_eq!(text(&refusal.headers), ["retry-after: 2"]);
}

#[test]
fn without_the_state_each_limit_decides() {
    let limiter = limiter();
    let open = limiter.judge(&[drawn(&limiter, "address", None), drawn(&limiter, "caller", None)]);
    assert_eq!(open.refusal, None);
    assert_eq!(text(&open.headers), ["ratelimit-policy: \"address\";q=12000;w=60, \"caller\";q=6000;w=60"]);

    let closed = limiter.judge(&[drawn(&limiter, "address", None), drawn(&limiter, "sign-in", None)]);
    let refusal = closed.refusal.unwrap();
    assert_eq!((refusal.status, refusal.slug.as_str()), (503, "upstream-unavailable"));
    assert_eq!(text(&refusal.headers), ["retry-after: 1"]);
}

#[test]
fn a_section_that_is_wrong_changes_nothing() {
    let mut limiter = limiter();
    let wrong = |change: fn(&mut Value)| {
        let mut value = json!({"name": "x", "by": "address", "quota": 1, "window_seconds": 1});
        change(&mut value);
        json!({"limits": [value]}).to_string()
    };
    for section in [
        "".into(),
        "[1]".into(),
        r#"{"limits": {}}"#.into(),
        wrong(|l| l["name"] = json!("a\"b")),
        wrong(|l| l["name"] = json!("")),
        wrong(|l| l["by"] = json!("cookie")),
        wrong(|l| l["quota"] = json!(0)),
        wrong(|l| l["quota"] = json!(-1)),
        wrong(|l| l["quota"] = json!("1")),
        wrong(|l| l["window_seconds"] = json!(0)),
        wrong(|l| l["window_seconds"] = json!(u64::MAX)),
        wrong(|l| l["burst"] = json!(0)),
        wrong(|l| l["cost"] = json!(2)),
        wrong(|l| l["when_state_is_away"] = json!("shrug")),
        json!({"limits": [
            {"name": "x", "by": "address", "quota": 1, "window_seconds": 1},
            {"name": "x", "by": "caller", "quota": 1, "window_seconds": 1}
        ]})
        .to_string(),
    ] {
        assert!(limiter.configure(section.as_bytes()).is_err(), "{section}");
    }
    assert_eq!(limiter.draw(&request("::1"), &names(&["address"]), None).buckets.len(), 1);
}

proptest! {
    /// Policy and arithmetic together: a request is refused exactly if an allowance is, and a client that waits for as
    /// long as `retry-after` says is let in.
    #[test]
    fn waiting_as_told_is_enough(quota in 1u64..10_000, window in 1u64..3_600, burst in 1u64..20, gap in 0u64..2_000_000) {
        let mut limiter = RateLimiter::default();
        let section = json!({"limits": [
            {"name": "a", "by": "address", "quota": quota, "window_seconds": window, "burst": burst}
        ]});
        limiter.configure(section.to_string().as_bytes()).unwrap();
        let buckets = limiter.draw(&request("192.0.2.1"), &names(&["a"]), None).buckets;
        let (mut tats, mut now) = ([0], 1_790_000_000_000_000);
        let mut ask = |now: u64| {
            let allowance = gcra::take(&buckets, &mut tats, now).remove(0);
            let allowed = allowance.allowed;
            (allowed, limiter.judge(&[Drawn { bucket: buckets[0].clone(), allowance: Some(allowance) }]).refusal)
        };
        for _ in 0..40 {
            now += gap;
            let (allowed, refusal) = ask(now);
            prop_assert_eq!(allowed, refusal.is_none());
            if let Some(refusal) = refusal {
                let wait: u64 = String::from_utf8_lossy(&refusal.headers[0].value).parse().unwrap();
                now += wait * 1_000_000;
                prop_assert!(ask(now).0);
            }
        }
    }
}
