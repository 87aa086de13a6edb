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

fn request(address: &str) -> Presented {
    Presented { client_address: address.into(), query: None, site: None, headers: Vec::new() }
}

fn caller() -> Subscriber {
    Subscriber { issuer: "https://issuer.example".into(), subject: "ada".into(), ..Subscriber::default() }
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
    let first = limiter.draw(&request("192.0.2.1"), "r", &all, None);
    assert_eq!(keys(&first), ["limit:sign-in:address:192.0.2.1", "limit:address:address:192.0.2.1"]);
    assert!(first.again_with_caller);
    let bucket = &first.buckets[0];
    assert_eq!(
        (bucket.name.as_str(), bucket.limit, bucket.window, bucket.burst, bucket.cost),
        ("sign-in", 120, 60_000, 30, 1)
    );

    let second = limiter.draw(&request("192.0.2.1"), "r", &all, Some(&caller()));
    assert_eq!(keys(&second), ["limit:caller:caller:22:https://issuer.example:ada"]);
    assert_eq!((second.buckets[0].burst, second.again_with_caller), (6_000, false));

    let none = limiter.draw(&request("192.0.2.1"), "r", &names(&["address"]), None);
    assert!(!none.again_with_caller);
    assert!(limiter.draw(&request(""), "r", &[], None).buckets.is_empty());
}

fn drawn(limiter: &RateLimiter, name: &str, allowance: Option<(bool, u64, u64, u64)>) -> Drawn {
    let caller = caller();
    let known = (name == "caller").then_some(&caller);
    let bucket = limiter.draw(&request("192.0.2.1"), "r", &names(&[name]), known).buckets.remove(0);
    let allowance = allowance.map(|(allowed, remaining, retry_after, reset_after)| Allowance {
        allowed,
        remaining,
        retry_after,
        reset_after,
    });
    Drawn { bucket, allowance }
}

#[test]
fn the_longest_wait_counts() {
    let limiter = limiter();
    let refusal = limiter.judge(
        &[
            drawn(&limiter, "address", Some((true, 7, 0, 1_000))),
            drawn(&limiter, "sign-in", Some((false, 0, 1_001, 15_000))),
            drawn(&limiter, "caller", Some((false, 0, 1, 60_000))),
        ],
        &[],
    );
    let refusal = refusal.unwrap();
    assert_eq!((refusal.status, refusal.slug.as_str()), (429, "rate-limited"));
    assert_eq!(text(&refusal.headers), ["retry-after: 2"]);
}

#[test]
fn without_the_state_each_limit_decides() {
    let limiter = limiter();
    let open = limiter.judge(&[drawn(&limiter, "address", None), drawn(&limiter, "caller", None)], &[]);
    assert_eq!(open, None);

    let closed = limiter.judge(&[drawn(&limiter, "address", None), drawn(&limiter, "sign-in", None)], &[]);
    let refusal = closed.unwrap();
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
        wrong(|l| drop(l.as_object_mut().unwrap().remove("quota"))),
        wrong(|l| l["by"] = json!("header")),
        wrong(|l| l["header"] = json!("x-tenant")),
        wrong(|l| l["batch"] = json!(5)),
        wrong(|l| l["concurrent"] = json!(0)),
        wrong(|l| l["lease_seconds"] = json!(0)),
        wrong(|l| l["costs"] = json!({"r": 0})),
        wrong(|l| l["costs"] = json!({"r": 2})),
        wrong(|l| l["windows"] = json!([{"quota": 1, "window_seconds": 1}])),
        wrong(|l| l["plans"] = json!({"pro": {"quota": 1, "window_seconds": 1}})),
        json!({"limits": [
            {"name": "x", "by": "address", "quota": 1, "window_seconds": 1},
            {"name": "x", "by": "caller", "quota": 1, "window_seconds": 1}
        ]})
        .to_string(),
        json!({"limits": [
            {"name": "x", "by": "address", "quota": 1, "window_seconds": 1},
            {"name": "x-60s", "by": "address", "quota": 1, "window_seconds": 1}
        ]})
        .to_string(),
        r#"{"limits": [{"name": "x", "by": "address"}]}"#.into(),
    ] {
        assert!(limiter.configure(section.as_bytes()).is_err(), "{section}");
    }
    assert_eq!(limiter.draw(&request("::1"), "r", &names(&["address"]), None).buckets.len(), 1);
}

fn with(limits: Value) -> RateLimiter {
    let mut limiter = RateLimiter::default();
    limiter.configure(json!({"limits": limits}).to_string().as_bytes()).unwrap();
    limiter
}

#[test]
fn whom_a_limit_counts() {
    let limiter = with(json!([
        {"name": "route", "by": "route", "quota": 1, "window_seconds": 1},
        {"name": "tenant", "by": "header", "header": "X-Tenant", "quota": 1, "window_seconds": 1},
        {"name": "key", "by": "key", "quota": 1, "window_seconds": 1},
    ]));
    let mut head = request("192.0.2.1");
    let all = names(&["route", "tenant", "key"]);
    let plan = limiter.draw(&head, "notes.list", &all, None);
    assert_eq!(keys(&plan), ["limit:route:route:notes.list", "limit:tenant:address:192.0.2.1"]);
    assert!(plan.again_with_caller);
    head.headers.push(Field::new("x-tenant", b"a\r\n:b\xff".to_vec()));
    let tenant = limiter.draw(&head, "r", &names(&["tenant"]), None);
    assert_eq!(keys(&tenant), [r"limit:tenant:header:a\r\n:b\xff"]);

    let by_key = Subscriber { key: Some("robot".into()), ..caller() };
    assert_eq!(keys(&limiter.draw(&head, "r", &all, Some(&by_key))), ["limit:key:key:robot"]);
    assert_eq!(keys(&limiter.draw(&head, "r", &all, Some(&caller()))), [""; 0]);
}

#[test]
fn windows_hold_together_and_plans_and_routes_change_them() {
    let limiter = with(json!([
        {"name": "api", "by": "caller", "quota": 10, "window_seconds": 1, "burst": 5, "cost": 1,
         "windows": [{"quota": 1000, "window_seconds": 3600}],
         "costs": {"report": 5},
         "plans": {"pro": {"quota": 100, "window_seconds": 1, "windows": [{"quota": 50000, "window_seconds": 3600}]}}},
    ]));
    let told = |route: &str, plan: Option<&str>| {
        let caller = Subscriber { plan: plan.map(Into::into), ..caller() };
        let buckets = limiter.draw(&request("::1"), route, &names(&["api"]), Some(&caller)).buckets;
        assert_ne!(buckets[0].key, buckets[1].key);
        buckets.iter().map(|b| (b.name.clone(), b.limit, b.window, b.burst, b.cost)).collect::<Vec<_>>()
    };
    let name = |name: &str| name.to_owned();
    let free = [(name("api"), 10, 1_000, 5, 1), (name("api-3600s"), 1_000, 3_600_000, 1_000, 1)];
    assert_eq!(told("list", None), free);
    assert_eq!(told("list", Some("unheard-of")), free);
    assert_eq!(told("report", None)[1], (name("api-3600s"), 1_000, 3_600_000, 1_000, 5));
    assert_eq!(told("list", Some("pro"))[0], (name("api"), 100, 1_000, 100, 1));

    let closed = with(json!([{"name": "api", "by": "address", "quota": 1, "window_seconds": 1,
        "windows": [{"quota": 2, "window_seconds": 60}], "when_state_is_away": "closed"}]));
    let buckets = closed.draw(&request("::1"), "r", &names(&["api"]), None).buckets;
    let away = Drawn { bucket: buckets[1].clone(), allowance: None };
    assert_eq!(closed.judge(&[away], &[]).unwrap().status, 503, "each window is the limit's");
}

#[test]
fn so_many_at_once() {
    let limiter = with(json!([
        {"name": "exports", "by": "caller", "concurrent": 2, "lease_seconds": 30, "plans": {"pro": {"concurrent": 9}}},
        {"name": "uploads", "by": "address", "concurrent": 1, "when_state_is_away": "closed"},
    ]));
    let both = names(&["exports", "uploads"]);
    let first = limiter.draw(&request("::1"), "r", &both, None);
    assert!(first.buckets.is_empty() && first.again_with_caller);
    assert_eq!(first.leases[0].key, "limit:uploads:address:::/64:now");
    let second = limiter.draw(&request("::1"), "r", &both, Some(&caller())).leases;
    assert_eq!((second.len(), second[0].limit, second[0].ttl), (1, 2, 30_000));
    let pro = Subscriber { plan: Some("pro".into()), ..caller() };
    assert_eq!(limiter.draw(&request("::1"), "r", &both, Some(&pro)).leases[0].limit, 9);

    let leased = |lease: &Lease, granted| Leased { lease: lease.clone(), granted };
    assert_eq!(limiter.judge(&[], &[leased(&second[0], Some(true))]), None);
    let refusal = limiter.judge(&[], &[leased(&second[0], Some(false))]).unwrap();
    assert_eq!((refusal.status, text(&refusal.headers)), (429, vec!["retry-after: 1".to_owned()]));
    assert_eq!(limiter.judge(&[], &[leased(&second[0], None)]), None, "open");
    assert_eq!(limiter.judge(&[], &[leased(&first.leases[0], None)]).unwrap().status, 503, "closed");
}

#[test]
fn what_may_be_taken_in_stock() {
    let batch = |more: Value| {
        let mut limit = json!({"name": "a", "by": "address", "quota": 1000, "window_seconds": 1});
        for (name, value) in more.as_object().unwrap() {
            limit[name] = value.clone();
        }
        with(json!([limit])).draw(&request("::1"), "r", &names(&["a"]), None).buckets[0].batch
    };
    assert_eq!(batch(json!({})), 0);
    assert_eq!(batch(json!({"precision": "exact"})), 0);
    assert_eq!(batch(json!({"precision": "local"})), 10);
    assert_eq!(batch(json!({"precision": "local", "burst": 50})), 0);
    assert_eq!(batch(json!({"precision": "local", "batch": 25})), 25);
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
        let buckets = limiter.draw(&request("192.0.2.1"), "r", &names(&["a"]), None).buckets;
        let (mut tats, mut now) = ([0], 1_790_000_000_000_000);
        let mut ask = |now: u64| {
            let allowance = gcra::take(&buckets, &mut tats, now).remove(0);
            let allowed = allowance.allowed;
            (allowed, limiter.judge(&[Drawn { bucket: buckets[0].clone(), allowance: Some(allowance) }], &[]))
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
