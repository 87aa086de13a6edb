//! API keys of the core's own.

use super::*;

/// Their checksums were computed apart: `zlib.crc32` of Python, in base 62.
const KEY: &str = "bwk_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcd1ewSjK";
const ANOTHER: &str = "bwk_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabce0prREK";

fn section_with(revoked: &[&str]) -> Vec<u8> {
    let mut section = section();
    section["own_keys"] =
        json!({"prefix": "bwk_", "issuer": ISSUER, "path": "/edge/v1/introspect", "cache_seconds": 30});
    section["revoked_sessions"] =
        revoked.iter().map(|session| json!({"session": session, "until": NOW + 300})).collect();
    section.to_string().into()
}

fn asking() -> Authenticator {
    let mut authenticator = Authenticator::default();
    authenticator.configure(&section_with(&[])).unwrap();
    authenticator
}

fn said() -> Value {
    json!({"active": true, "iss": ISSUER, "sub": "u1", "sid": "k1", "scope": "documents:read", "exp": NOW + 86_400,
           "addresses": []})
}

fn answer(body: &Value) -> Option<Opinion> {
    Some(Opinion { status: 200, body: body.to_string().into() })
}

const ASK: &str = "ask /edge/v1/introspect";

#[test]
fn the_core_is_asked_once_for_a_while() {
    let mut authenticator = asking();
    let request = bearer(KEY);
    let Verdict::Introspect(question) = authenticator.authenticate(&request, &required(), None, NOW) else { panic!() };
    assert_eq!(question.origin, None);
    assert_eq!(question.body, format!("token={KEY}&address=192.0.2.1").as_bytes());

    let verdict = authenticator.introspected(&request, &required(), answer(&said()).as_ref(), NOW);
    let Verdict::Known(caller) = verdict else { panic!("{verdict:?}") };
    assert_eq!((caller.issuer.as_str(), caller.subject.as_str(), caller.key.as_deref()), (ISSUER, "u1", Some("k1")));
    assert_eq!(caller.scopes, ["documents:read"]);
    assert_eq!(ask(&mut authenticator, KEY, NOW + 29), "known u1");
    assert_eq!(ask(&mut authenticator, KEY, NOW + 30), ASK);
    assert_eq!(ask(&mut authenticator, ANOTHER, NOW), ASK);
    assert_eq!(ask(&mut authenticator, &good(), NOW), "known ada", "a token is read as ever");
}

#[test]
fn what_is_no_key_costs_no_question() {
    let mut authenticator = asking();
    let swapped = KEY.replace("0123", "0132");
    for wrong in ["bwk_", &KEY[..49], &format!("{KEY}0"), &swapped, &KEY.replace('0', "-")] {
        assert_eq!(ask(&mut authenticator, wrong, NOW), REFUSED, "{wrong}");
    }
    // Without the section, it is a token like others, and none that can be read.
    assert_eq!(ask(&mut super::authenticator(), KEY, NOW), REFUSED);
}

#[test]
fn a_key_that_ends_is_refused_with_the_next_snapshot() {
    let mut authenticator = asking();
    authenticator.introspected(&bearer(KEY), &required(), answer(&said()).as_ref(), NOW);
    assert_eq!(ask(&mut authenticator, KEY, NOW), "known u1");
    authenticator.configure(&section_with(&["k1"])).unwrap();
    assert_eq!(ask(&mut authenticator, KEY, NOW + 29), REFUSED, "and nobody is asked");
    assert_eq!(ask(&mut authenticator, KEY, NOW + 30), ASK);
    let inactive = answer(&json!({"active": false}));
    let verdict = authenticator.introspected(&bearer(KEY), &required(), inactive.as_ref(), NOW + 30);
    assert_eq!(told(&verdict), REFUSED);
    assert_eq!(ask(&mut authenticator, KEY, NOW + 39), REFUSED, "nobody is asked again at once");
}

#[test]
fn a_key_is_good_from_where_it_is_bound_to() {
    let mut authenticator = asking();
    let mut bound = said();
    bound["addresses"] = json!(["192.0.2.0/28", "2001:db8::/32"]);
    let from = |address: &str| {
        let mut request = bearer(KEY);
        request.client_address = address.into();
        request
    };
    let verdict = authenticator.introspected(&from("192.0.2.16"), &required(), answer(&bound).as_ref(), NOW);
    assert_eq!(told(&verdict), REFUSED);
    // It is known now, and asked about no more.
    for (address, expected) in
        [("192.0.2.15", "known u1"), ("2001:db8::7", "known u1"), ("192.0.2.16", REFUSED), ("", REFUSED)]
    {
        assert_eq!(told(&authenticator.authenticate(&from(address), &required(), None, NOW)), expected, "{address}");
    }
    bound["addresses"] = json!(["somewhere"]);
    let verdict = asking().introspected(&from("192.0.2.1"), &required(), answer(&bound).as_ref(), NOW);
    assert_eq!(told(&verdict), REFUSED, "what cannot be read is not taken for everywhere");
}

#[test]
fn a_core_that_is_away_calls_no_key_bad() {
    for silence in [None, Some(Opinion { status: 503, body: Vec::new() })] {
        let verdict = asking().introspected(&bearer(KEY), &required(), silence.as_ref(), NOW);
        let Verdict::Refuse(problem) = verdict else { panic!("{verdict:?}") };
        assert_eq!(problem.slug, "upstream-unavailable");
    }
}

#[test]
fn keys_of_the_file_do_not_take_their_prefix() {
    let mut section: Value = serde_json::from_slice(&section_with(&[])).unwrap();
    for prefix in ["bw", "bwk_"] {
        section["api_keys"] = json!({"prefix": prefix, "keys": []});
        let error = Authenticator::default().configure(section.to_string().as_bytes()).unwrap_err();
        assert!(error.contains("prefix"), "{error}");
    }
    section["api_keys"] = json!({"prefix": "bw_", "keys": []});
    Authenticator::default().configure(section.to_string().as_bytes()).unwrap();
}
