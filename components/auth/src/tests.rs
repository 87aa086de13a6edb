//! The policy as the gateway sees it: good tokens, attacks by name, and mutations.

#![allow(clippy::unwrap_used)]

mod attacks;
mod callers;
mod cookies;
mod opaque;
mod own_keys;
mod vectors;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const NOW: u64 = 1_790_000_000;
const ISSUER: &str = "https://core.example";
const OTHER: &str = "https://other.example";
const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";

/// The key pair of RFC 8037, appendix A.1.
const ED_X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
const ED_D: &str = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
/// The key pair of RFC 7515, appendix A.3.
const EC_X: &str = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
const EC_Y: &str = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";
const EC_D: &str = "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI";

fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A private key in PKCS #8, from what goes before the secret part.
fn pkcs8(prefix: &[u8], secret: &str) -> Vec<u8> {
    [prefix, &URL_SAFE_NO_PAD.decode(secret).unwrap()].concat()
}

fn ed_key() -> EncodingKey {
    const PREFIX: &[u8] = b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20";
    EncodingKey::from_ed_der(&pkcs8(PREFIX, ED_D))
}

fn stranger_key() -> EncodingKey {
    const PREFIX: &[u8] = b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20";
    EncodingKey::from_ed_der(&pkcs8(PREFIX, EC_D))
}

fn ec_key() -> EncodingKey {
    const PREFIX: &[u8] = b"\x30\x41\x02\x01\x00\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\
        \xce\x3d\x03\x01\x07\x04\x27\x30\x25\x02\x01\x01\x04\x20";
    EncodingKey::from_ec_der(&pkcs8(PREFIX, EC_D))
}

fn section() -> Value {
    json!({
        "leeway_seconds": 60,
        "issuers": [
            {
                "issuer": ISSUER, "audiences": ["breakwater", "second"], "algorithms": ["EdDSA", "ES256"],
                "token_types": ["at+jwt"],
                "jwks": {"keys": [
                    {"kty": "OKP", "crv": "Ed25519", "kid": "ed", "use": "sig", "alg": "EdDSA", "x": ED_X},
                    {"kty": "EC", "crv": "P-256", "kid": "ec", "x": EC_X, "y": EC_Y},
                    {"kty": "oct", "kid": "oct", "k": b64(SECRET)},
                    {"kty": "OKP", "crv": "Ed25519", "kid": "for-encryption", "use": "enc", "x": ED_X},
                    {"kty": "from-the-future", "kid": "new"},
                ]}
            },
            {
                "issuer": OTHER, "audiences": ["breakwater"], "algorithms": ["HS256"], "token_types": ["JWT"],
                "jwks": {"keys": [{"kty": "oct", "kid": "oct", "k": b64(SECRET)}]}
            }
        ],
        "revoked_sessions": [{"session": "gone", "until": NOW + 300}],
        "later": true
    })
}

fn authenticator() -> Authenticator {
    let mut authenticator = Authenticator::default();
    authenticator.configure(section().to_string().as_bytes()).unwrap();
    authenticator
}

fn header() -> Value {
    json!({"alg": "EdDSA", "typ": "at+jwt", "kid": "ed"})
}

fn claims() -> Value {
    json!({
        "iss": ISSUER, "aud": "breakwater", "sub": "ada", "sid": "s1", "iat": NOW, "exp": NOW + 300, "jti": "1",
        "scope": "read write"
    })
}

fn sign(header: &Value, claims: &Value, key: &EncodingKey, algorithm: Algorithm) -> String {
    let message = format!("{}.{}", b64(header.to_string()), b64(claims.to_string()));
    let signature = crypto::sign(message.as_bytes(), key, algorithm).unwrap();
    format!("{message}.{signature}")
}

/// A token by our issuer, in which something was changed before it was signed.
fn token(change: impl FnOnce(&mut Value, &mut Value)) -> String {
    let (mut header, mut claims) = (header(), claims());
    change(&mut header, &mut claims);
    sign(&header, &claims, &ed_key(), Algorithm::EdDSA)
}

fn good() -> String {
    token(|_, _| {})
}

fn request(authorization: &[&str]) -> Presented {
    Presented {
        query: None,
        site: None,
        headers: authorization.iter().map(|value| Field::new("authorization", *value)).collect(),
        client_address: "192.0.2.1".into(),
    }
}

fn bearer(token: &str) -> Presented {
    request(&[&format!("Bearer {token}")])
}

fn required() -> Requirement {
    Requirement::Required(Vec::new())
}

/// Status, slug and challenge of a refusal; or who is known.
fn told(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Anonymous => "anonymous".into(),
        Verdict::Known(caller) => format!("known {}", caller.subject),
        Verdict::Refuse(problem) => {
            let challenge = problem.headers.iter().find(|field| field.name == "www-authenticate").unwrap();
            format!("{} {} | {}", problem.status, problem.slug, String::from_utf8_lossy(&challenge.value))
        }
        Verdict::UnknownKey((issuer, problem)) => format!("unknown key of {issuer} | {}", problem.slug),
        Verdict::Introspect(question) => {
            format!("ask {}{}", question.origin.as_deref().unwrap_or_default(), question.path_and_query)
        }
    }
}

fn ask(authenticator: &mut Authenticator, token: &str, now: u64) -> String {
    told(&authenticator.authenticate(&bearer(token), &required(), None, now))
}

const REFUSED: &str = r#"401 invalid-token | Bearer realm="breakwater", error="invalid_token""#;

#[test]
fn a_good_token_says_who_calls() {
    let mut authenticator = authenticator();
    let caller = Caller {
        issuer: ISSUER.into(),
        subject: "ada".into(),
        session: Some("s1".into()),
        scopes: vec!["read".into(), "write".into()],
        expires_at: NOW + 300,
        ..Caller::default()
    };
    for _ in 0..2 {
        // The second time from memory.
        let verdict = authenticator.authenticate(&bearer(&good()), &required(), None, NOW);
        assert_eq!(verdict, Verdict::Known(caller.clone()));
    }
}

#[test]
fn other_good_tokens() {
    let mut authenticator = authenticator();
    let ec = json!({"alg": "ES256", "typ": "AT+JWT", "kid": "ec"});
    let hs = json!({"alg": "HS256", "typ": "application/jwt", "kid": "oct"});
    let by_other = json!({"iss": OTHER, "aud": ["x", "breakwater"], "sub": "bob", "exp": NOW + 1});
    let tokens = [
        sign(&ec, &claims(), &ec_key(), Algorithm::ES256),
        sign(&hs, &by_other, &EncodingKey::from_secret(SECRET), Algorithm::HS256),
        token(|header, _| header["typ"] = json!("application/AT+jwt")),
        token(|_, claims| claims["aud"] = json!(["a", "second"])),
        token(|_, claims| claims["exp"] = json!(NOW as f64 + 0.5)),
        token(|_, claims| claims["nbf"] = json!(NOW + 60)),
        token(|_, claims| claims["exp"] = json!(NOW - 59)),
        // Only one key does EdDSA, so its id may be left out.
        token(|header, _| drop(header.as_object_mut().unwrap().remove("kid"))),
        // Members that we do not know are ignored (RFC 7515, section 4).
        token(|header, _| header["x"] = json!({"y": 1})),
        token(|_, claims| drop(claims.as_object_mut().unwrap().remove("sid"))),
        token(|_, claims| drop(claims.as_object_mut().unwrap().remove("scope"))),
    ];
    for token in tokens {
        let told = ask(&mut authenticator, &token, NOW);
        assert!(told.starts_with("known "), "{told}: {token}");
    }
}

#[test]
fn what_a_route_requires() {
    let mut authenticator = authenticator();
    let token = good();
    let ok = [format!("Bearer {token}")];
    let wants = |scopes: &[&str]| Requirement::Required(scopes.iter().map(|scope| (*scope).into()).collect());
    let none = r#"401 authentication-required | Bearer realm="breakwater""#;
    let bad = r#"400 bad-request | Bearer realm="breakwater", error="invalid_request""#;
    for (requirement, headers, expected) in [
        (Requirement::Public, vec!["Bearer x"], "anonymous"),
        (Requirement::Public, vec!["a", "b"], "anonymous"),
        (Requirement::Optional, vec![], "anonymous"),
        (Requirement::Optional, vec![ok[0].as_str()], "known ada"),
        (Requirement::Optional, vec!["Bearer x"], REFUSED),
        (Requirement::Optional, vec!["Basic YTpi"], none),
        (Requirement::Optional, vec!["Bearer"], bad),
        (wants(&[]), vec![], none),
        (wants(&[]), vec!["Basic YTpi"], none),
        (wants(&[]), vec![&ok[0], &ok[0]], bad),
        (wants(&["write", "read"]), vec![&ok[0]], "known ada"),
        (
            wants(&["read", "admin", "a\"b"]),
            vec![&ok[0]],
            r#"403 insufficient-scope | Bearer realm="breakwater", error="insufficient_scope", scope="read admin""#,
        ),
        // Whether a scope is missing is nobody's business before the token is good.
        (wants(&["admin"]), vec!["Bearer x"], REFUSED),
    ] {
        let verdict = authenticator.authenticate(&request(&headers), &requirement, None, NOW);
        assert_eq!(told(&verdict), expected, "{requirement:?} {headers:?}");
    }
}

#[test]
fn what_is_remembered_ends() {
    let mut authenticator = authenticator();
    let token = good();
    assert_eq!(ask(&mut authenticator, &token, NOW), "known ada");
    assert_eq!(ask(&mut authenticator, &token, NOW + 359), "known ada");
    assert_eq!(ask(&mut authenticator, &token, NOW + 360), REFUSED, "expired");

    assert_eq!(ask(&mut authenticator, &token, NOW), "known ada");
    let mut revoked = section();
    revoked["revoked_sessions"] = json!([{"session": "s1", "until": NOW + 300}]);
    authenticator.configure(revoked.to_string().as_bytes()).unwrap();
    assert_eq!(ask(&mut authenticator, &token, NOW), REFUSED, "revoked");

    authenticator.configure(section().to_string().as_bytes()).unwrap();
    assert_eq!(ask(&mut authenticator, &token, NOW), "known ada");
    let mut rotated = section();
    rotated["issuers"][0]["jwks"]["keys"][0]["x"] = json!(b64([9; 32]));
    authenticator.configure(rotated.to_string().as_bytes()).unwrap();
    assert_eq!(ask(&mut authenticator, &token, NOW), REFUSED, "the key is gone");

    let mut narrower = section();
    narrower["issuers"][0]["audiences"] = json!(["second"]);
    authenticator.configure(narrower.to_string().as_bytes()).unwrap();
    assert_eq!(ask(&mut authenticator, &token, NOW), REFUSED, "the audience is gone");
}

#[test]
fn without_a_configuration_nobody_is_known() {
    assert_eq!(ask(&mut Authenticator::default(), &good(), NOW), REFUSED);
}

#[test]
fn a_section_that_is_wrong_changes_nothing() {
    let mut authenticator = authenticator();
    let wrong = |change: fn(&mut Value)| {
        let mut value = section();
        change(&mut value);
        value.to_string()
    };
    for section in [
        "".into(),
        "{}".into(),
        wrong(|s| s["issuers"] = json!({})),
        wrong(|s| s["leeway_seconds"] = json!(3_600)),
        wrong(|s| s["issuers"][0]["issuer"] = json!("")),
        wrong(|s| s["issuers"][1]["issuer"] = json!(ISSUER)),
        wrong(|s| s["issuers"][0]["audiences"] = json!([])),
        wrong(|s| s["issuers"][0]["audiences"] = json!([""])),
        wrong(|s| s["issuers"][0]["token_types"] = json!([])),
        wrong(|s| s["issuers"][0]["algorithms"] = json!([])),
        wrong(|s| s["issuers"][0]["algorithms"] = json!(["none"])),
        wrong(|s| s["issuers"][0]["jwks"] = json!({"keys": []})),
        wrong(|s| s["issuers"][0]["algorithms"] = json!(["RS256"])),
        wrong(|s| s["issuers"][1]["jwks"]["keys"][0]["k"] = json!(b64("short"))),
        wrong(|s| s["revoked_sessions"] = json!(["gone"])),
    ] {
        assert!(authenticator.configure(section.as_bytes()).is_err(), "{section}");
    }
    assert_eq!(ask(&mut authenticator, &good(), NOW), "known ada");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever is done to a good token's text, it is that token or no token.
    #[test]
    fn mutated_tokens_are_never_accepted(
        place in any::<prop::sample::Index>(),
        with in "[A-Za-z0-9_.=+/~-]{0,3}",
        cut in 0usize..3,
    ) {
        let mut authenticator = authenticator();
        let original = good();
        prop_assert_eq!(ask(&mut authenticator, &original, NOW), "known ada");
        let at = place.index(original.len());
        let end = (at + cut).min(original.len());
        let mutated = format!("{}{with}{}", &original[..at], &original[end..]);
        prop_assume!(mutated != original);
        let told = ask(&mut authenticator, &mutated, NOW);
        prop_assert!(!told.starts_with("known"), "{}", mutated);
    }

    /// Nothing that is sent makes it fall over.
    #[test]
    fn any_header_gets_an_answer(value in prop::collection::vec(any::<u8>(), 0..200), scheme in any::<bool>()) {
        let mut request = request(&[]);
        let value = if scheme { [b"Bearer ".as_slice(), &value].concat() } else { value };
        request.headers.push(Field::new("authorization", value));
        let verdict = authenticator().authenticate(&request, &required(), None, NOW);
        prop_assert!(matches!(verdict, Verdict::Refuse(_)));
    }
}
