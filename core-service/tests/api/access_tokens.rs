//! Access tokens that must not be accepted.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use crate::support::{TestApp, User, settings};

/// Our signing key, out of the database, as only a thief of both database and secret has it.
async fn stolen_key(app: &TestApp) -> (String, EncodingKey) {
    let (kid, sealed, algorithm): (String, Vec<u8>, String) =
        sqlx::query_as("SELECT kid, private_key, algorithm FROM signing_keys WHERE state = 'current'")
            .fetch_one(&mut app.database().await)
            .await
            .unwrap();
    let pkcs8 = app.state.vault.open(kid.as_bytes(), &sealed).await.unwrap();
    let key = match algorithm.as_str() {
        "EdDSA" => EncodingKey::from_ed_der(&pkcs8),
        _ => EncodingKey::from_ec_der(&pkcs8),
    };
    (kid, key)
}

fn claims(user: &User) -> Value {
    part(&user.access_token, 1)
}

fn part(token: &str, index: usize) -> Value {
    let part = token.split('.').nth(index).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

fn encoded(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

async fn status(app: &TestApp, token: &str) -> u16 {
    let answer = app.get("/api/v1/me").bearer(token).send().await;
    if answer.status == 401 {
        assert_eq!(answer.header("www-authenticate"), r#"Bearer realm="breakwater", error="invalid_token""#);
        answer.problem(401, "invalid-token");
        return 401;
    }
    answer.status.as_u16()
}

fn header(kid: &str) -> Header {
    let typ = Some("at+jwt".to_owned());
    Header { typ, kid: Some(kid.to_owned()), ..Header::new(Algorithm::EdDSA) }
}

#[tokio::test]
async fn a_token_says_what_rfc_9068_wants() {
    let app = TestApp::start().await;
    let user = app.user().await;
    let head = part(&user.access_token, 0);
    assert_eq!((&head["alg"], &head["typ"]), (&json!("EdDSA"), &json!("at+jwt")));
    let claims = claims(&user);
    assert_eq!(claims["iss"], "http://127.0.0.1:3000");
    assert_eq!(claims["aud"], "breakwater");
    assert_eq!(claims["sub"], user.id);
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 300);
    assert!(claims["sid"].is_string() && claims["jti"].is_string());
}

#[tokio::test]
async fn claims_that_are_wrong_are_refused_though_the_signature_is_right() {
    let app = TestApp::start().await;
    let user = app.user().await;
    let (kid, key) = stolen_key(&app).await;
    let now = claims(&user)["iat"].as_i64().unwrap();
    let sign = |change: &[(&str, Value)]| {
        let mut claims = claims(&user);
        for (name, value) in change {
            claims[name] = value.clone();
        }
        jsonwebtoken::encode(&header(&kid), &claims, &key).unwrap()
    };
    assert_eq!(status(&app, &sign(&[])).await, 200);
    // Within the leeway of a minute.
    assert_eq!(status(&app, &sign(&[("exp", json!(now - 30))])).await, 200);
    for (name, value) in [
        ("exp", json!(now - 62)),
        ("exp", json!("never")),
        ("exp", json!(null)),
        ("nbf", json!(now + 90)),
        ("iss", json!("https://elsewhere.example")),
        ("aud", json!("another-service")),
        ("aud", json!([])),
        ("sub", json!("not a uuid")),
        ("sid", json!(null)),
    ] {
        assert_eq!(status(&app, &sign(&[(name, value.clone())])).await, 401, "{name}: {value}");
    }
}

#[tokio::test]
async fn headers_that_are_wrong_are_refused_though_the_signature_is_right() {
    let app = TestApp::start().await;
    let user = app.user().await;
    let (kid, key) = stolen_key(&app).await;
    let claims = claims(&user);
    let sign = |header: Header| jsonwebtoken::encode(&header, &claims, &key).unwrap();
    let good = header(&kid);
    for typ in ["AT+JWT", "application/at+jwt"] {
        let header = Header { typ: Some(typ.to_owned()), ..good.clone() };
        assert_eq!(status(&app, &sign(header)).await, 200, "{typ}");
    }
    for wrong in [
        Header { typ: Some("JWT".to_owned()), ..good.clone() },
        Header { typ: None, ..good.clone() },
        Header { kid: None, ..good.clone() },
        Header { kid: Some("unknown".to_owned()), ..good.clone() },
        Header { crit: Some(vec!["exp".to_owned()]), ..good.clone() },
    ] {
        assert_eq!(status(&app, &sign(wrong.clone())).await, 401, "{wrong:?}");
    }
}

#[tokio::test]
async fn unsigned_and_foreign_tokens_are_refused() {
    let app = TestApp::start().await;
    let user = app.user().await;
    let (kid, _) = stolen_key(&app).await;
    let claims = claims(&user);
    let body = encoded(&claims);
    for alg in ["none", "None", "NONE", ""] {
        let head = encoded(&json!({ "alg": alg, "typ": "at+jwt", "kid": kid }));
        assert_eq!(status(&app, &format!("{head}.{body}.")).await, 401, "{alg}");
    }
    // Signed by a stranger who knows our key's id.
    let stranger = EncodingKey::from_ed_der(&stranger_key());
    let token = jsonwebtoken::encode(&header(&kid), &claims, &stranger).unwrap();
    assert_eq!(status(&app, &token).await, 401);
    // Our public key taken for a shared secret: RFC 8725 section 2.1.
    let jwks = app.get("/.well-known/jwks.json").send().await.json();
    let x = jwks["keys"][0]["x"].as_str().unwrap();
    let secret = EncodingKey::from_secret(&URL_SAFE_NO_PAD.decode(x).unwrap());
    let confused = Header { alg: Algorithm::HS256, ..header(&kid) };
    let token = jsonwebtoken::encode(&confused, &claims, &secret).unwrap();
    assert_eq!(status(&app, &token).await, 401);
}

fn stranger_key() -> Vec<u8> {
    use ed25519_dalek::pkcs8::EncodePrivateKey;
    let key = ed25519_dalek::SigningKey::from_bytes(&[5; 32]);
    key.to_pkcs8_der().unwrap().as_bytes().to_vec()
}

#[tokio::test]
async fn tampered_and_malformed_tokens_are_refused() {
    let app = TestApp::start().await;
    let user = app.user().await;
    let parts: Vec<_> = user.access_token.split('.').collect();
    let mut other = claims(&user);
    other["sub"] = json!("00000000-0000-0000-0000-000000000000");
    let another = if parts[2].starts_with('-') { "A" } else { "-" };
    for token in [
        format!("{}.{}.{}", parts[0], encoded(&other), parts[2]),
        format!("{}.{}.{}", parts[0], parts[1], parts[2].replacen(&parts[2][..1], another, 1)),
        format!("{}.{}.", parts[0], parts[1]),
        format!("{}.{}", parts[0], parts[1]),
        format!("{}.x", user.access_token),
        "a.b.c".to_owned(),
        "...".to_owned(),
        "x".to_owned(),
        "A".repeat(7000),
    ] {
        assert_eq!(status(&app, &token).await, 401, "{token}");
    }
}

#[tokio::test]
async fn requests_without_a_token_are_asked_for_one() {
    let app = TestApp::start().await;
    for value in [None, Some("Basic dXNlcjpwYXNz"), Some("Bearer"), Some("token abc")] {
        let call = app.get("/api/v1/me");
        let call = match value {
            Some(value) => call.header("authorization", value),
            None => call,
        };
        let answer = call.send().await;
        assert_eq!(answer.header("www-authenticate"), r#"Bearer realm="breakwater""#, "{value:?}");
        answer.problem(401, "authentication-required");
    }
}

#[tokio::test]
async fn es256_by_configuration() {
    let app = TestApp::start_with(settings([("IDENTITY__ALGORITHM", "ES256")])).await;
    let user = app.user().await;
    assert_eq!(part(&user.access_token, 0)["alg"], "ES256");
    assert_eq!(status(&app, &user.access_token).await, 200);
    let jwks = app.get("/.well-known/jwks.json").send().await.json();
    assert!(jwks["keys"].as_array().unwrap().iter().all(|key| key["crv"] == "P-256"));
}
