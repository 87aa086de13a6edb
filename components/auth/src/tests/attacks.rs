//! Attacks that have names.

use super::*;

/// A token that nobody signed.
fn unsigned(header: &Value, claims: &Value, signature: &str) -> String {
    format!("{}.{}.{signature}", b64(header.to_string()), b64(claims.to_string()))
}

fn hmac(header: &Value, claims: &Value, secret: &[u8]) -> String {
    sign(header, claims, &EncodingKey::from_secret(secret), Algorithm::HS256)
}

/// The good token with something done to its text.
fn edited(edit: impl FnOnce([&str; 3]) -> String) -> String {
    let token = good();
    let parts: Vec<&str> = token.split('.').collect();
    edit([parts[0], parts[1], parts[2]])
}

fn raw(header: &str, claims: &str) -> String {
    let message = format!("{}.{}", b64(header), b64(claims));
    let signature = crypto::sign(message.as_bytes(), &ed_key(), Algorithm::EdDSA).unwrap();
    format!("{message}.{signature}")
}

fn table() -> Vec<(&'static str, String)> {
    let hs = json!({"alg": "HS256", "typ": "at+jwt", "kid": "ed"});
    let none = |name: &str| json!({"alg": name, "typ": "at+jwt", "kid": "ed"});
    let ed_x = URL_SAFE_NO_PAD.decode(ED_X).unwrap();
    let set = |member: &'static str, value: Value| token(move |_, claims| claims[member] = value);
    let head = |member: &'static str, value: Value| token(move |header, _| header[member] = value);
    let without = |member: &'static str| token(move |_, claims| drop(claims.as_object_mut().unwrap().remove(member)));
    vec![
        // Algorithms (RFC 8725, sections 2.1 and 3.1)
        ("alg none", unsigned(&none("none"), &claims(), "")),
        ("alg none, signed", unsigned(&none("none"), &claims(), "AAAA")),
        ("alg NoNe", unsigned(&none("NoNe"), &claims(), "")),
        ("alg none with a good signature", head("alg", json!("none"))),
        ("alg missing", token(|header, _| drop(header.as_object_mut().unwrap().remove("alg")))),
        ("alg not a string", head("alg", json!(["EdDSA"]))),
        ("alg of other case", head("alg", json!("eddsa"))),
        ("key confusion: HMAC with the public key", hmac(&hs, &claims(), &ed_x)),
        ("key confusion: HMAC with the public key's text", hmac(&hs, &claims(), ED_X.as_bytes())),
        (
            "key confusion: ES256 key, EdDSA header",
            sign(&json!({"alg": "EdDSA", "typ": "at+jwt", "kid": "ec"}), &claims(), &ec_key(), Algorithm::ES256),
        ),
        (
            "key confusion: EdDSA key, ES256 header",
            sign(&json!({"alg": "ES256", "typ": "at+jwt", "kid": "ed"}), &claims(), &ed_key(), Algorithm::EdDSA),
        ),
        (
            "an algorithm that the issuer does not list",
            hmac(&json!({"alg": "HS256", "typ": "at+jwt", "kid": "oct"}), &claims(), SECRET),
        ),
        ("another issuer's key", hmac(&json!({"alg": "HS256", "typ": "JWT", "kid": "oct"}), &claims(), SECRET)),
        // Keys
        ("signed by a stranger", sign(&header(), &claims(), &stranger_key(), Algorithm::EdDSA)),
        ("a key that is not there", head("kid", json!("x"))),
        ("a key for encryption", head("kid", json!("for-encryption"))),
        ("a key of another type", head("kid", json!("ec"))),
        ("a key's id as a path", head("kid", json!("../../dev/null"))),
        ("a key's id that is no string", head("kid", json!(1))),
        (
            "the key inside the token",
            sign(
                &json!({"alg": "EdDSA", "typ": "at+jwt", "kid": "mine",
                    "jwk": {"kty": "OKP", "crv": "Ed25519", "kid": "mine", "x": EC_X}}),
                &claims(),
                &stranger_key(),
                Algorithm::EdDSA,
            ),
        ),
        (
            "the key behind an address",
            sign(
                &json!({"alg": "EdDSA", "typ": "at+jwt", "kid": "ed", "jku": "https://evil.example/jwks.json"}),
                &claims(),
                &stranger_key(),
                Algorithm::EdDSA,
            ),
        ),
        (
            "the key in a certificate behind an address",
            sign(
                &json!({"alg": "EdDSA", "typ": "at+jwt", "kid": "ed", "x5u": "https://evil.example/cert.pem"}),
                &claims(),
                &stranger_key(),
                Algorithm::EdDSA,
            ),
        ),
        ("a key's id with a query", head("kid", json!("ed' UNION SELECT 'key"))),
        ("a key's id that would be unknown, of an issuer whose keys are here", head("kid", json!("new"))),
        // Types (RFC 8725, section 3.11)
        ("an ID token", head("typ", json!("JWT"))),
        ("no type", token(|header, _| drop(header.as_object_mut().unwrap().remove("typ")))),
        ("a type that only begins right", head("typ", json!("at+jwt2"))),
        ("a critical extension", head("crit", json!(["exp"]))),
        ("an empty critical list", head("crit", json!([]))),
        ("a critical null", head("crit", Value::Null)),
        (
            "an unencoded payload (RFC 7797)",
            token(|header, _| {
                header["b64"] = json!(false);
                header["crit"] = json!(["b64"]);
            }),
        ),
        // Claims
        ("expired", set("exp", json!(NOW - 60))),
        ("expiry missing", without("exp")),
        ("expiry as text", set("exp", json!((NOW + 300).to_string()))),
        ("expiry negative", set("exp", json!(-1))),
        (
            "expiry beyond all numbers",
            raw(&header().to_string(), &claims().to_string().replace(&(NOW + 300).to_string(), "1e999")),
        ),
        ("expiry null", set("exp", Value::Null)),
        ("not yet", set("nbf", json!(NOW + 61))),
        ("not yet, at the end of time", set("nbf", json!(u64::MAX))),
        ("another audience", set("aud", json!("other"))),
        ("other audiences", set("aud", json!(["other", "breakwater2"]))),
        ("an audience that only begins right", set("aud", json!("breakwater.evil.example"))),
        ("no audience", without("aud")),
        ("an empty audience", set("aud", json!([]))),
        ("an audience of numbers", set("aud", json!([1]))),
        ("another issuer", set("iss", json!("https://evil.example"))),
        ("the other issuer", set("iss", json!(OTHER))),
        ("an issuer with a slash", set("iss", json!(format!("{ISSUER}/")))),
        ("no issuer", without("iss")),
        ("no subject", without("sub")),
        ("an empty subject", set("sub", json!(""))),
        ("a subject that is no string", set("sub", json!({"$ne": null}))),
        ("a revoked session", set("sid", json!("gone"))),
        ("scopes as a list", set("scope", json!(["admin"]))),
        // Form
        ("no token", "x".into()),
        ("dots", "..".into()),
        ("more dots", "....".into()),
        ("no signature", edited(|[h, c, _]| format!("{h}.{c}."))),
        ("no signature, no dot", edited(|[h, c, _]| format!("{h}.{c}"))),
        ("four parts", edited(|[h, c, s]| format!("{h}.{c}.{s}.{s}"))),
        ("encrypted (RFC 7516)", edited(|[h, c, s]| format!("{h}.{s}.{s}.{c}.{s}"))),
        ("padding", edited(|[h, c, s]| format!("{h}.{c}.{s}=="))),
        (
            "the claims of another",
            edited(|[h, _, s]| {
                let mut claims = claims();
                claims["sub"] = json!("eve");
                format!("{h}.{}.{s}", b64(claims.to_string()))
            }),
        ),
        ("half a signature", edited(|[h, c, s]| format!("{h}.{c}.{}", &s[..43]))),
        ("a signature of zeros", edited(|[h, c, _]| format!("{h}.{c}.{}", b64([0; 64])))),
        ("a signature too long", edited(|[h, c, _]| format!("{h}.{c}.{}", b64([0; 65])))),
        ("a psychic signature (CVE-2022-21449)", {
            let head = json!({"alg": "ES256", "typ": "at+jwt", "kid": "ec"});
            unsigned(&head, &claims(), &b64([0; 64]))
        }),
        ("a header twice", raw(r#"{"alg":"EdDSA","typ":"at+jwt","kid":"x","kid":"ed"}"#, &claims().to_string())),
        (
            "a claim twice",
            raw(&header().to_string(), &claims().to_string().replace(r#""sub":"ada""#, r#""sub":"ada","sub":"eve""#)),
        ),
        ("a header that is no JSON", raw("x", &claims().to_string())),
        ("a header that is no object", raw("\"EdDSA\"", &claims().to_string())),
        ("claims that are no object", raw(&header().to_string(), "1")),
        ("claims with something after", raw(&header().to_string(), &format!("{} x", claims()))),
        ("claims that are not text", {
            let message = format!("{}.{}", b64(header().to_string()), b64([0xff, 0xfe]));
            format!("{message}.{}", crypto::sign(message.as_bytes(), &ed_key(), Algorithm::EdDSA).unwrap())
        }),
        ("claims nested deeply", raw(&header().to_string(), &"[".repeat(3_000))),
    ]
}

#[test]
fn none_of_them_works_and_none_learns_why() {
    let mut authenticator = authenticator();
    // A token that is good and remembered must not help.
    assert_eq!(ask(&mut authenticator, &good(), NOW), "known ada");
    for (name, token) in table() {
        for _ in 0..2 {
            assert_eq!(ask(&mut authenticator, &token, NOW), REFUSED, "{name}");
        }
        let verdict = authenticator.authenticate(&bearer(&token), &Requirement::Optional, None, NOW);
        assert_eq!(told(&verdict), REFUSED, "{name}, optional");
    }
    assert_eq!(ask(&mut authenticator, &good(), NOW), "known ada");
}
