//! ID tokens that must not sign anybody in: one row, one lie.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use super::app_with;
use super::browser::Browser;
use super::played::{Account, Keys, Played, SECRET, Write, honest, signed};

const LIES: &[(&str, Write)] = &[
    ("no signature (alg none)", |claims, _| unsigned(&json!({ "alg": "none" }), &claims)),
    ("no signature under ES256", |claims, _| unsigned(&json!({ "alg": "ES256", "kid": "1" }), &claims)),
    ("signed with the client's secret (HS256)", |claims, _| {
        signed(Header::new(Algorithm::HS256), &claims, &EncodingKey::from_secret(SECRET.as_bytes()))
    }),
    ("signed with another's key", |claims, keys| signed(Header::new(Algorithm::ES256), &claims, &keys.strange)),
    ("signed with a key of its own naming (jwk)", |claims, keys| {
        let jwk = jsonwebtoken::jwk::Jwk::from_encoding_key(&keys.strange, Algorithm::ES256).ok();
        signed(Header { jwk, ..Header::new(Algorithm::ES256) }, &claims, &keys.strange)
    }),
    ("of a key that is not the provider's", |claims, keys| {
        signed(Header { kid: Some("2".to_owned()), ..Header::new(Algorithm::ES256) }, &claims, &keys.own)
    }),
    ("of another issuer", |claims, keys| with(claims, keys, "iss", json!("https://evil.example"))),
    ("of no issuer", |claims, keys| with(claims, keys, "iss", Value::Null)),
    ("for another client", |claims, keys| with(claims, keys, "aud", json!("other"))),
    ("for several clients and none of them authorized", |claims, keys| {
        with(claims, keys, "aud", json!(["breakwater", "other"]))
    }),
    ("authorized for another client (azp)", |claims, keys| with(claims, keys, "azp", json!("other"))),
    ("of another sign-in (nonce)", |claims, keys| with(claims, keys, "nonce", json!("x"))),
    ("of no sign-in (no nonce)", |claims, keys| with(claims, keys, "nonce", Value::Null)),
    ("expired", |claims, keys| with(claims, keys, "exp", json!(1))),
    ("without an end", |claims, keys| with(claims, keys, "exp", Value::Null)),
    ("not good yet", |claims, keys| with(claims, keys, "nbf", json!(4_000_000_000_u64))),
    ("from the future", |claims, keys| with(claims, keys, "iat", json!(4_000_000_000_u64))),
    ("of nobody", |claims, keys| with(claims, keys, "sub", json!(""))),
    ("of somebody with a name that is too long", |claims, keys| with(claims, keys, "sub", json!("x".repeat(256)))),
    ("with critical extensions", |claims, _| unsigned(&json!({ "alg": "ES256", "crit": ["x"] }), &claims)),
    ("no token at all", |_, _| "a.b".to_owned()),
];

/// What honest providers say besides.
const MORE: &[Write] = &[
    |mut claims, keys| {
        claims["aud"] = json!(["breakwater", "other"]);
        with(claims, keys, "azp", json!("breakwater"))
    },
    |claims, keys| with(claims, keys, "email_verified", json!("true")),
];

fn with(mut claims: Value, keys: &Keys, name: &str, value: Value) -> String {
    match value {
        Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
        value => claims[name] = value,
    }
    honest(claims, keys)
}

fn unsigned(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.", part(header), part(claims))
}

#[tokio::test]
async fn no_lie_signs_anybody_in() {
    let played = Played::start().await;
    let app = app_with(&played).await;
    let account = Account::of("ada@example.org");
    for (name, lie) in LIES {
        played.write(*lie);
        let mut browser = Browser::default();
        let out = browser.depart(&app, "played").await;
        let back = browser.return_with(&app, "played", &played.approve(&out, &account)).await;
        assert_eq!(back, ("error".to_owned(), "provider_failed".to_owned()), "an ID token {name}");
    }
    // The same way with an honest token: what was refused above was the lie.
    played.write(honest);
    let mut browser = Browser::default();
    let ticket = browser.ticket(&app, &played, &account).await;
    browser.sign_in(&app, &ticket).await.expect(200);
}

#[tokio::test]
async fn an_honest_token_may_say_more() {
    let played = Played::start().await;
    let app = app_with(&played).await;
    for write in MORE {
        played.write(*write);
        let mut browser = Browser::default();
        let ticket = browser.ticket(&app, &played, &Account::of("ada@example.org")).await;
        browser.sign_in(&app, &ticket).await.expect(200);
    }
}
