//! Tokens that only their authorization server can read.

use super::*;

fn asking() -> Authenticator {
    let mut section = section();
    section["introspection"] = json!({
        "issuer": OTHER, "endpoint": "https://as.example:8443/introspect?v=1", "client_id": "ed:ge",
        "client_secret": "s&cret", "audiences": ["breakwater"], "cache_seconds": 30,
    });
    section["claim_headers"] = json!({"x-client": "client_id"});
    let mut authenticator = Authenticator::default();
    authenticator.configure(section.to_string().as_bytes()).unwrap();
    authenticator
}

fn active() -> Value {
    json!({
        "active": true, "sub": "bob", "aud": ["breakwater"], "scope": "read", "client_id": "app", "sid": "s9",
        "exp": NOW + 300, "iss": OTHER,
    })
}

fn answer(status: u16, body: &Value) -> Option<Opinion> {
    Some(Opinion { status, body: body.to_string().into() })
}

const ASK: &str = "ask https://as.example:8443/introspect?v=1";

#[test]
fn the_server_is_asked_once_for_a_while() {
    let mut authenticator = asking();
    let request = bearer("opaque+/=");
    let Verdict::Introspect(question) = authenticator.authenticate(&request, &required(), None, NOW) else { panic!() };
    assert_eq!(question.body, b"token=opaque%2B%2F%3D&token_type_hint=access_token");
    // RFC 6749, section 2.3.1: `ed%3Age:s%26cret`.
    assert!(question.headers.contains(&Field::new("authorization", "Basic ZWQlM0FnZTpzJTI2Y3JldA==")));

    let verdict = authenticator.introspected(&request, &required(), answer(200, &active()).as_ref(), NOW);
    let Verdict::Known(caller) = verdict else { panic!("{verdict:?}") };
    assert_eq!((caller.issuer.as_str(), caller.subject.as_str(), caller.expires_at), (OTHER, "bob", NOW + 300));
    assert_eq!(caller.headers, [Field::new("x-client", "app")]);
    assert_eq!(ask(&mut authenticator, "opaque+/=", NOW + 29), "known bob");
    assert_eq!(ask(&mut authenticator, "opaque+/=", NOW + 30), ASK, "no longer than the section says");
    assert_eq!(ask(&mut authenticator, "another", NOW), ASK);
    // A token that can be read here is read here.
    assert_eq!(ask(&mut authenticator, &good(), NOW), "known ada");
    assert_eq!(ask(&mut authenticator, "a.b.c", NOW), REFUSED);
}

#[test]
fn what_the_server_says_is_looked_at() {
    let changed = |member: &str, value: Value| {
        let mut body = active();
        body[member] = value;
        answer(200, &body)
    };
    let away = "503 upstream-unavailable";
    for (name, said, expected) in [
        ("good", answer(200, &active()), "known bob"),
        ("not active", answer(200, &json!({"active": false})), REFUSED),
        ("not active, and more", answer(200, &json!({"active": false, "sub": "bob", "aud": "breakwater"})), REFUSED),
        ("active as text", changed("active", json!("true")), away),
        ("active missing", answer(200, &json!({"sub": "bob"})), away),
        ("for others", changed("aud", json!("other")), REFUSED),
        ("for nobody", changed("aud", Value::Null), REFUSED),
        ("by another issuer", changed("iss", json!(ISSUER)), REFUSED),
        ("expired", changed("exp", json!(NOW)), REFUSED),
        ("not yet", changed("nbf", json!(NOW + 1)), REFUSED),
        ("a user by name", changed("sub", Value::Null), "known app"),
        ("no subject", changed("sub", json!("")), REFUSED),
        ("an error", answer(500, &active()), away),
        ("our credentials are bad", answer(401, &json!({"error": "invalid_client"})), away),
        ("no JSON", Some(Opinion { status: 200, body: b"<html>".to_vec() }), away),
        ("nothing", None, away),
    ] {
        let mut authenticator = asking();
        let verdict = authenticator.introspected(&bearer("opaque"), &required(), said.as_ref(), NOW);
        if expected == away {
            let Verdict::Refuse(problem) = verdict else { panic!("{name}: {verdict:?}") };
            assert_eq!((problem.status, problem.slug.as_str()), (503, "upstream-unavailable"), "{name}");
            assert_eq!(ask(&mut authenticator, "opaque", NOW), ASK, "{name}: nothing is remembered");
        } else {
            assert_eq!(told(&verdict), expected, "{name}");
            assert_eq!(ask(&mut authenticator, "opaque", NOW), expected, "{name}: it is remembered");
        }
    }
}

#[test]
fn a_bad_token_is_not_asked_about_again_at_once() {
    let mut authenticator = asking();
    let inactive = answer(200, &json!({"active": false}));
    authenticator.introspected(&bearer("opaque"), &required(), inactive.as_ref(), NOW);
    assert_eq!(ask(&mut authenticator, "opaque", NOW + 9), REFUSED);
    assert_eq!(ask(&mut authenticator, "opaque", NOW + 10), ASK);
}

#[test]
fn a_session_that_ends_takes_the_token_along() {
    let mut authenticator = asking();
    authenticator.introspected(&bearer("opaque"), &required(), answer(200, &active()).as_ref(), NOW);
    assert_eq!(ask(&mut authenticator, "opaque", NOW), "known bob");
    let mut ended = section();
    ended["introspection"] = json!({
        "issuer": OTHER, "endpoint": "https://as.example:8443/introspect?v=1", "client_id": "ed:ge",
        "client_secret": "s&cret", "audiences": ["breakwater"], "cache_seconds": 30,
    });
    ended["claim_headers"] = json!({"x-client": "client_id"});
    ended["revoked_sessions"] = json!([{"session": "s9"}]);
    authenticator.configure(ended.to_string().as_bytes()).unwrap();
    assert_eq!(ask(&mut authenticator, "opaque", NOW), ASK, "it is asked about again");
    let again = authenticator.introspected(&bearer("opaque"), &required(), answer(200, &active()).as_ref(), NOW);
    assert_eq!(told(&again), REFUSED);
}
