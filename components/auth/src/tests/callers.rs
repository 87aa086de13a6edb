//! Callers without a token of their own, and what upstreams are told of callers.

use super::*;

/// SHA-256 of `bw_good-key`, computed apart: `printf bw_good-key | sha256sum`.
const GOOD: &str = "b19b7a098202ed4826b486c64567e52d3a086f1c614a4902aa0053acdd368013";
const OLD: &str = "c037f2ab9e118dbb468a150ac0828b2aa825ca228a92002278472b4729f8ee11";
const OFFICE: &str = "fb0938c7290f6194c78d577558db212100878d034b1eac8c6587e025ed486895";

fn with_callers() -> Authenticator {
    let mut section = section();
    section["api_keys"] = json!({"header": "X-Key", "prefix": "bw_", "keys": [
        {"name": "robot", "hash": GOOD, "scopes": ["read"], "plan": "pro", "claims": {"team": "blue"}},
        {"name": "old", "hash": OLD, "expires_at": NOW},
        {"name": "office", "hash": OFFICE, "subject": "ada", "issuer": ISSUER, "addresses": ["192.0.2.0/28"]},
    ]});
    section["certificates"] = json!({"callers": [
        {"name": "till", "fingerprint": "AB".repeat(32), "scopes": ["sell"], "plan": "shop"},
        {"name": "sensor", "alternative_name": "uri:spiffe://example/sensor"},
        {"name": "desk", "subject": "CN=desk,O=Acme"},
    ]});
    section["claim_headers"] = json!({
        "X-User": "sub", "x-team": "team", "x-scopes": "scope", "x-finger": "/certificate/fingerprint",
    });
    let mut authenticator = Authenticator::default();
    authenticator.configure(section.to_string().as_bytes()).unwrap();
    authenticator
}

fn with_key(name: &str, key: &str) -> Presented {
    let mut request = request(&[]);
    request.headers.push(Field::new(name, key));
    request
}

fn headers(caller: &Caller) -> Vec<String> {
    caller.headers.iter().map(|field| format!("{}: {}", field.name, String::from_utf8_lossy(&field.value))).collect()
}

#[test]
fn an_api_key_says_who_calls() {
    let mut authenticator = with_callers();
    for request in [with_key("x-key", "bw_good-key"), bearer("bw_good-key")] {
        let Verdict::Known(caller) = authenticator.authenticate(&request, &required(), None, NOW) else { panic!() };
        assert_eq!((caller.subject.as_str(), caller.key.as_deref()), ("robot", Some("robot")));
        assert_eq!((caller.issuer.as_str(), caller.plan.as_deref()), ("urn:breakwater:consumers", Some("pro")));
        assert_eq!(headers(&caller), ["x-scopes: read", "x-team: blue", "x-user: robot"]);
    }
    for (name, request) in [
        ("a key that is none", with_key("x-key", "bw_bad-key")),
        ("the hash itself", with_key("x-key", GOOD)),
        ("a key that expired", with_key("x-key", "bw_old-key")),
        ("a bearer token that looks like a key", bearer("bw_x")),
        ("a key with more behind it", with_key("x-key", "bw_good-key2")),
    ] {
        assert_eq!(told(&authenticator.authenticate(&request, &Requirement::Optional, None, NOW)), REFUSED, "{name}");
    }
    let wants = Requirement::Required(vec!["write".into()]);
    let verdict = authenticator.authenticate(&with_key("x-key", "bw_good-key"), &wants, None, NOW);
    assert!(told(&verdict).starts_with("403 insufficient-scope"), "{}", told(&verdict));
}

#[test]
fn a_key_may_be_bound_to_addresses() {
    let mut authenticator = with_callers();
    for (address, expected) in
        [("192.0.2.1", "known ada"), ("192.0.2.16", REFUSED), ("2001:db8::1", REFUSED), ("", REFUSED)]
    {
        let mut request = with_key("x-key", "bw_office-key");
        request.client_address = address.into();
        assert_eq!(told(&authenticator.authenticate(&request, &required(), None, NOW)), expected, "{address}");
    }
}

#[test]
fn a_key_that_is_taken_away_is_refused_at_once() {
    let mut authenticator = with_callers();
    let request = with_key("x-key", "bw_good-key");
    assert_eq!(told(&authenticator.authenticate(&request, &required(), None, NOW)), "known robot");
    let mut without = section();
    without["api_keys"] = json!({"header": "x-key", "keys": [{"name": "old", "hash": OLD}]});
    authenticator.configure(without.to_string().as_bytes()).unwrap();
    assert_eq!(told(&authenticator.authenticate(&request, &required(), None, NOW)), REFUSED);
}

fn certificate() -> ClientCertificate {
    ClientCertificate {
        fingerprint: "cd".repeat(32),
        subject: "CN=other".into(),
        names: vec!["dns:other.example".into()],
        expires_at: NOW + 60,
    }
}

#[test]
fn a_certificate_says_who_calls_where_nothing_else_does() {
    let mut authenticator = with_callers();
    let shown = |change: fn(&mut ClientCertificate)| {
        let mut certificate = certificate();
        change(&mut certificate);
        certificate
    };
    let none = r#"401 authentication-required | Bearer realm="breakwater""#;
    for (name, certificate, expected) in [
        ("by its fingerprint", shown(|c| c.fingerprint = "ab".repeat(32)), "known till"),
        ("by a name", shown(|c| c.names.push("uri:spiffe://example/sensor".into())), "known sensor"),
        ("by its subject", shown(|c| c.subject = "CN=desk,O=Acme".into()), "known desk"),
        ("a subject that only begins right", shown(|c| c.subject = "CN=desk,O=Acme,O=evil".into()), none),
        ("nobody's", shown(|_| ()), none),
        ("expired while connected", shown(|c| (c.fingerprint, c.expires_at) = ("ab".repeat(32), NOW)), none),
    ] {
        let verdict = authenticator.authenticate(&request(&[]), &required(), Some(&certificate), NOW);
        assert_eq!(told(&verdict), expected, "{name}");
        if let Verdict::Known(caller) = verdict {
            assert!(headers(&caller).contains(&format!("x-finger: {}", certificate.fingerprint)), "{name}");
        }
    }
    // What the request itself says counts, good or bad.
    let till = shown(|c| c.fingerprint = "ab".repeat(32));
    assert_eq!(told(&authenticator.authenticate(&bearer(&good()), &required(), Some(&till), NOW)), "known ada");
    assert_eq!(told(&authenticator.authenticate(&bearer("x"), &required(), Some(&till), NOW)), REFUSED);
    // Without callers by certificate, a certificate is nobody's.
    assert_eq!(told(&super::authenticator().authenticate(&request(&[]), &required(), Some(&till), NOW)), none);

    let mut others = section();
    others["certificates"] = json!({"others": true});
    authenticator.configure(others.to_string().as_bytes()).unwrap();
    let verdict = authenticator.authenticate(&request(&[]), &required(), Some(&certificate()), NOW);
    assert_eq!(told(&verdict), "known dns:other.example");
}

#[test]
fn claims_of_a_token_are_told() {
    let mut authenticator = with_callers();
    let token = token(|_, claims| {
        claims["team"] = json!("red");
        claims["plan"] = json!("gold");
    });
    for _ in 0..2 {
        // The second time from memory.
        let verdict = authenticator.authenticate(&bearer(&token), &required(), None, NOW);
        let Verdict::Known(caller) = verdict else { panic!("{verdict:?}") };
        assert_eq!(headers(&caller), ["x-scopes: read write", "x-team: red", "x-user: ada"]);
        assert_eq!(caller.plan.as_deref(), Some("gold"));
    }
}

#[test]
fn a_key_of_an_issuer_that_may_be_new_is_reported() {
    let mut fetched = section();
    fetched["issuers"][0]["jwks_uri"] = json!("https://core.example/jwks");
    let mut authenticator = Authenticator::default();
    authenticator.configure(fetched.to_string().as_bytes()).unwrap();
    let new = token(|header, _| header["kid"] = json!("from-tomorrow"));
    assert_eq!(ask(&mut authenticator, &new, NOW), format!("unknown key of {ISSUER} | invalid-token"));
    // One that could not be good anyway is nobody's news.
    let late = token(|header, claims| {
        header["kid"] = json!("from-tomorrow");
        claims["exp"] = json!(NOW - 61);
    });
    assert_eq!(ask(&mut authenticator, &late, NOW), REFUSED);
    // An issuer whose keys could not be fetched yet is one without keys.
    fetched["issuers"][0]["jwks"] = json!({"keys": []});
    authenticator.configure(fetched.to_string().as_bytes()).unwrap();
    assert!(ask(&mut authenticator, &good(), NOW).starts_with("unknown key"));
}

#[test]
fn a_section_with_wrong_callers_changes_nothing() {
    let mut authenticator = with_callers();
    for (name, change) in [
        ("a hash that is none", json!({"api_keys": {"keys": [{"name": "a", "hash": "abc"}]}})),
        ("no name", json!({"api_keys": {"keys": [{"name": "", "hash": GOOD}]}})),
        ("one hash twice", json!({"api_keys": {"keys": [{"name": "a", "hash": GOOD}, {"name": "b", "hash": GOOD}]}})),
        ("no network", json!({"api_keys": {"keys": [{"name": "a", "hash": GOOD, "addresses": ["x"]}]}})),
        ("keys in authorization", json!({"api_keys": {"header": "Authorization", "keys": []}})),
        ("a prefix that is none", json!({"api_keys": {"prefix": "", "keys": []}})),
        ("a certificate without a mark", json!({"certificates": {"callers": [{"name": "a"}]}})),
        ("claims in authorization", json!({"claim_headers": {"authorization": "sub"}})),
        (
            "an endpoint that is none",
            json!({"introspection": {"issuer": "i", "endpoint": "x", "client_id": "c", "client_secret": ""}}),
        ),
    ] {
        let mut section = section();
        for (member, value) in change.as_object().unwrap() {
            section[member] = value.clone();
        }
        assert!(authenticator.configure(section.to_string().as_bytes()).is_err(), "{name}");
        let verdict = authenticator.authenticate(&with_key("x-key", "bw_good-key"), &required(), None, NOW);
        assert_eq!(told(&verdict), "known robot", "{name}");
    }
}
