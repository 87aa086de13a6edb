//! Snapshots: read, and applied whole or not at all.

use breakwater_pipeline::{ApplyError, Snapshot, SnapshotError, apply};
use serde_json::{Value, json};

use crate::support::{Shell, document};

fn parse(document: &Value) -> Result<Snapshot, SnapshotError> {
    Snapshot::parse(document.to_string().as_bytes())
}

#[test]
fn reads_its_own_part() {
    let mut with_more = document("7");
    with_more["gateway"]["later"] = json!({"unknown": true});
    with_more["later"] = json!([]);
    let settings = parse(&with_more).unwrap().settings;
    assert_eq!(
        (settings.version.as_str(), settings.retry_after_seconds, settings.caching.max_object_bytes),
        ("7", 7, 1000)
    );
    assert_eq!(settings.upstreams["core"].endpoints, []);
    assert_eq!(settings.upstreams["other"].endpoints[0].origin, "https://other.example");

    let mut least = document("8");
    least.as_object_mut().unwrap().remove("gateway");
    least["caching"] = json!({});
    let settings = parse(&least).unwrap().settings;
    assert_eq!((settings.retry_after_seconds, settings.caching.max_object_bytes), (1, 1 << 20));
}

#[test]
fn refuses_what_is_none() {
    type Change = fn(&mut Value);
    let cases: &[(&str, Change)] = &[
        ("no schema", |d| drop(d.as_object_mut().unwrap().remove("schema"))),
        ("another schema", |d| d["schema"] = json!("breakwater-edge-snapshot/2")),
        ("no version", |d| drop(d.as_object_mut().unwrap().remove("version"))),
        ("a version that is a number", |d| d["version"] = json!(1)),
        ("no routing", |d| drop(d.as_object_mut().unwrap().remove("routing"))),
        ("no rate limiting", |d| drop(d.as_object_mut().unwrap().remove("rate_limiting"))),
        ("no authentication", |d| drop(d.as_object_mut().unwrap().remove("authentication"))),
        ("origins of a wrong type", |d| d["gateway"]["cors"]["allowed_origins"] = json!("*")),
        ("upstreams of a wrong type", |d| d["upstreams"] = json!([])),
        ("an origin with a path", |d| d["upstreams"]["other"]["origin"] = json!("https://a/b")),
        ("an origin with credentials", |d| d["upstreams"]["other"]["origin"] = json!("https://u:p@a")),
        ("an origin without a scheme", |d| d["upstreams"]["other"]["origin"] = json!("a:80")),
        ("an object size of a wrong type", |d| d["caching"]["max_object_bytes"] = json!("1")),
    ];
    for (name, change) in cases {
        let mut changed = document("1");
        change(&mut changed);
        assert!(parse(&changed).is_err(), "{name}");
    }
    for bytes in [&b""[..], b"[]", b"null", b"\xff", b"{\"schema\":\"breakwater-edge-snapshot/1\""] {
        assert!(Snapshot::parse(bytes).is_err());
    }
}

/// The order in which sections are configured is routing, rate limiting, authentication, caching, static files.
#[test]
fn a_bad_section_leaves_all_policies_as_they_were() {
    let last = parse(&document("1")).unwrap();
    for (bad, value) in [
        ("rate_limiting", json!({"limits": 1})),
        ("authentication", json!({"issuers": 1})),
        ("caching", json!({"generation": "x"})),
        ("static_files", json!([])),
    ] {
        let mut shell = Shell::new();
        let mut next = document("2");
        next["routing"]["routes"] = json!([]);
        next[bad] = value;
        let next = match parse(&next) {
            Ok(next) => next,
            Err(error) => panic!("{bad}: {error}"),
        };
        let error = apply(&mut shell.policies, &next, Some(&last)).unwrap_err();
        assert!(matches!(error, ApplyError::Refused { section, .. } if section == bad), "{error}");
        assert_eq!(shell.get("/plain").status, 200, "{bad}: the routes are the old ones");
    }
}

#[test]
fn a_policy_that_fails_over_its_section_is_the_same() {
    let last = parse(&document("1")).unwrap();
    let mut shell = Shell::new();
    let mut next = document("2");
    next["routing"]["routes"] = json!([]);
    next["caching"]["generation"] = json!(2);
    shell.policies.failing = Some("caching");
    let error = apply(&mut shell.policies, &parse(&next).unwrap(), Some(&last)).unwrap_err();
    assert!(matches!(error, ApplyError::Failed { section: "caching", .. }), "{error}");
    assert_eq!(shell.get("/plain").status, 200);
}
