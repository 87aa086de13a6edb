//! Who is asked, and when.

use breakwater_kit::types::Opinion;

use crate::support::{Shell, caller, request};

/// An API key of the core's form: its checksum is right.
const OWN_KEY: &str = "bwk_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcd1ewSjK";

#[test]
fn each_kind_of_request_takes_its_way() {
    let with_caller = |shell: &mut Shell| shell.policies.caller = Some(caller());
    let nothing = |_: &mut Shell| {};
    type Prepare<'a> = &'a dyn Fn(&mut Shell);
    #[rustfmt::skip]
    let cases: &[(&str, &str, Prepare<'_>, u16, &str)] = &[
        ("a public route", "/plain", &nothing, 200,
            "route, => forward core"),
        ("all there is, for a caller", "/private", &with_caller, 200,
            "route, draw, => take address, authenticate, draw-caller, => take caller, => forward core"),
        ("a stranger pays before credentials are looked at", "/private", &nothing, 401,
            "route, draw, => take address, authenticate"),
        ("a limit alone", "/limited", &nothing, 200,
            "route, draw, => take address, => forward core"),
        ("a cacheable route, unknown yet", "/cached", &nothing, 200,
            "route, plan-cache, => get, judge-stored, => collapse, => forward core, keep"),
        ("files", "/index.html", &nothing, 404,
            "route, draw, => take address, find-file"),
        ("the edge's own", "/healthz", &nothing, 200, ""),
        ("ready", "/readyz", &nothing, 200, ""),
        ("another upstream", "/other", &nothing, 200, "route, => forward other"),
        ("an upstream that is not there", "/nowhere", &nothing, 500, "route"),
    ];
    for (name, path, prepare, status, order) in cases {
        let mut shell = Shell::new();
        prepare(&mut shell);
        let got = shell.get(path);
        assert_eq!((got.status, shell.happened().as_str()), (*status, *order), "{name}");
    }
}

#[test]
fn an_opaque_token_is_asked_about_once() {
    let mut shell = Shell::new();
    let head = || request("GET", "/private", &[("authorization", "Bearer opaque"), ("x-user", "eve")]);
    let got = shell.send(head());
    assert_eq!((got.status, got.slug().as_str()), (503, "upstream-unavailable"), "nobody could be asked");
    let body = br#"{"active": true, "sub": "bob"}"#.to_vec();
    shell.introspected = Some(Opinion { status: 200, body });
    shell.happened();
    assert_eq!(shell.send(head()).status, 200);
    assert_eq!(
        shell.happened(),
        "route, draw, => take address, authenticate, => introspect https://as.example, introspected, \
         draw-caller, => take caller, => forward core"
    );
    assert_eq!(told(&shell, "x-user"), ["bob"]);
    let mut head = head();
    head.client_address = "192.0.2.9".to_owned();
    assert_eq!(shell.send(head).status, 200);
    assert!(!shell.happened().contains("introspect"), "remembered");
}

#[test]
fn the_core_is_asked_about_its_own_keys_and_shown_by_whom() {
    let mut shell = Shell::new();
    let head = || request("GET", "/private", &[("authorization", &format!("Bearer {OWN_KEY}"))]);
    let body =
        br#"{"active": true, "sub": "bob", "iss": "https://core.example", "sid": "k1", "addresses": []}"#.to_vec();
    shell.introspected = Some(Opinion { status: 200, body });
    assert_eq!(shell.send(head()).status, 200);
    assert!(shell.happened().contains("=> introspect the core signed, introspected"));
    assert_eq!(shell.send(head()).status, 200);
    assert!(!shell.happened().contains("introspect"), "remembered");
}

/// What the upstream was told last under a name.
fn told(shell: &Shell, name: &str) -> Vec<String> {
    let headers = &shell.forwarded.last().unwrap().headers;
    let lines = headers.iter().filter(|field| field.name.replace('_', "-") == name);
    lines.map(|field| String::from_utf8_lossy(&field.value).into_owned()).collect()
}

#[test]
fn nobody_says_a_claim_but_the_edge() {
    let mut shell = Shell::new();
    for lines in [&[("x-user", "eve")][..], &[("x_user", "eve")], &[("x-user", "eve"), ("x-user", "eve")]] {
        assert_eq!(shell.send(request("GET", "/plain", lines)).status, 200);
        assert_eq!(told(&shell, "x-user"), [""; 0]);
    }
}

#[test]
fn a_place_among_those_at_once_is_asked_for_last() {
    let mut shell = Shell::new();
    assert_eq!(shell.get("/busy").status, 200);
    assert_eq!(shell.happened(), "route, draw, => take address, => lease busy, => forward core");
    shell.places_free = false;
    let got = shell.get("/busy");
    assert_eq!((got.status, got.slug().as_str()), (429, "rate-limited"));
    shell.state_is_away = true;
    assert_eq!(shell.get("/busy").status, 200, "the limit is open");
}

#[test]
fn a_limit_that_is_used_up_ends_it_there() {
    let mut shell = Shell::new();
    for _ in 0..2 {
        assert_eq!(shell.get("/limited").status, 200);
    }
    shell.happened();
    let got = shell.get("/limited");
    assert_eq!((got.status, got.slug().as_str()), (429, "rate-limited"));
    assert_eq!(got.header("retry-after"), Some("1"));
    assert!(got.header("ratelimit").is_some() && got.header("ratelimit-policy").is_some());
    assert_eq!(shell.happened(), "route, draw, => take address, judge-limits");
}

#[test]
fn the_callers_limit_counts_after_the_addresss() {
    let mut shell = Shell::new();
    shell.policies.caller = Some(caller());
    for address in ["192.0.2.1", "192.0.2.2", "192.0.2.3"] {
        let mut head = request("GET", "/private", &[]);
        head.client_address = address.to_owned();
        let got = shell.send(head);
        assert_eq!(got.status, if address == "192.0.2.3" { 429 } else { 200 });
    }
    let last = "authenticate, draw-caller, => take caller, judge-limits";
    assert!(shell.happened().ends_with(last));
}

#[test]
fn a_state_that_is_away_is_the_policys_affair() {
    let mut shell = Shell::new();
    shell.state_is_away = true;
    assert_eq!(shell.get("/limited").status, 200);
    assert_eq!(shell.get("/closed").status, 503);
    assert_eq!(shell.get("/cached").status, 200);
    assert_eq!(shell.forwarded.len(), 2);
}

#[test]
fn every_answer_says_what_is_left() {
    let mut shell = Shell::new();
    for (path, status) in [("/private", 401), ("/limited", 200)] {
        let got = shell.get(path);
        assert_eq!(got.status, status);
        assert!(got.header("ratelimit").is_some(), "{path}");
    }
    assert!(shell.get("/plain").header("ratelimit").is_none());
}

#[test]
fn before_the_first_snapshot_nothing_is_asked() {
    let mut shell = Shell::empty();
    assert_eq!(shell.get("/healthz").status, 200);
    for path in ["/readyz", "/plain"] {
        let got = shell.get(path);
        assert_eq!((got.status, got.slug().as_str(), got.header("retry-after")), (503, "not-ready", Some("1")));
    }
    assert_eq!(shell.happened(), "");
}
