//! Providers that we play: one of OpenID Connect that can be told to lie, and GitHub's endpoints.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::{HeaderMap, StatusCode};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use p256::pkcs8::EncodePrivateKey;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use url::Url;
use uuid::Uuid;

pub const CLIENT: &str = "breakwater";
pub const SECRET: &str = "a secret: +/&=";

/// Somebody's account at a provider.
#[derive(Debug, Clone)]
pub struct Account {
    pub subject: String,
    pub email: String,
    pub verified: bool,
}

impl Account {
    pub fn of(email: &str) -> Self {
        Self { subject: Uuid::now_v7().to_string(), email: email.to_owned(), verified: true }
    }

    pub fn unverified(email: &str) -> Self {
        Self { verified: false, ..Self::of(email) }
    }
}

/// How an ID token is written.
pub type Write = fn(Value, &Keys) -> String;

/// What a provider signs with, and a key that is not its own.
pub struct Keys {
    pub own: EncodingKey,
    pub strange: EncodingKey,
}

/// A provider, on a port of this machine.
pub struct Played {
    pub name: String,
    pub issuer: String,
    state: Arc<Mutex<Inside>>,
}

struct Inside {
    issuer: String,
    keys: Keys,
    codes: HashMap<String, Code>,
    tokens: HashMap<String, Account>,
    write: Write,
    metadata: Value,
    /// Codes that it was asked to exchange.
    asked: Vec<String>,
}

struct Code {
    account: Account,
    nonce: Value,
    challenge: String,
    redirect_uri: String,
}

fn key(byte: u8) -> EncodingKey {
    let key = p256::SecretKey::from_slice(&[byte; 32]).unwrap();
    EncodingKey::from_ec_der(key.to_pkcs8_der().unwrap().as_bytes())
}

/// As an honest provider writes them.
pub fn honest(claims: Value, keys: &Keys) -> String {
    signed(Header::new(Algorithm::ES256), &claims, &keys.own)
}

/// With any header and key.
pub fn signed(mut header: Header, claims: &Value, key: &EncodingKey) -> String {
    header.kid.get_or_insert("1".to_owned());
    jsonwebtoken::encode(&header, claims, key).unwrap()
}

impl Played {
    pub async fn start() -> Self {
        Self::named("played").await
    }

    pub async fn named(name: &str) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let metadata = json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{issuer}/authorize"),
            "token_endpoint": format!("{issuer}/token"),
            "userinfo_endpoint": format!("{issuer}/userinfo"),
            "jwks_uri": format!("{issuer}/keys"),
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": true,
        });
        let state = Arc::new(Mutex::new(Inside {
            issuer: issuer.clone(),
            keys: Keys { own: key(1), strange: key(2) },
            codes: HashMap::new(),
            tokens: HashMap::new(),
            write: honest,
            metadata,
            asked: Vec::new(),
        }));
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(metadata_of))
            .route("/keys", get(keys))
            .route("/token", post(token))
            .route("/login/oauth/access_token", post(github_token))
            .route("/user", get(github_user))
            .route("/user/emails", get(github_emails))
            .with_state(state.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { name: name.to_owned(), issuer, state }
    }

    /// Writes ID tokens another way from now on.
    pub fn write(&self, write: Write) {
        self.state.lock().unwrap().write = write;
    }

    /// Describes itself another way.
    pub fn describe(&self, name: &str, value: Value) {
        self.state.lock().unwrap().metadata[name] = value;
    }

    /// The codes that it was asked to exchange.
    pub fn asked(&self) -> Vec<String> {
        self.state.lock().unwrap().asked.clone()
    }

    /// What its authorization endpoint answers when the account's owner agrees: the query of the way back.
    pub fn approve(&self, out: &Url, account: &Account) -> String {
        let asked: HashMap<String, String> = out.query_pairs().into_owned().collect();
        assert_eq!(asked["response_type"], "code");
        assert_eq!(asked["client_id"], CLIENT);
        assert_eq!(asked["code_challenge_method"], "S256");
        let code = Code {
            account: account.clone(),
            nonce: asked.get("nonce").map_or(Value::Null, |nonce| json!(nonce)),
            challenge: asked["code_challenge"].clone(),
            redirect_uri: asked["redirect_uri"].clone(),
        };
        let name = Uuid::now_v7().simple().to_string();
        self.state.lock().unwrap().codes.insert(name.clone(), code);
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("code", &name).append_pair("state", &asked["state"]);
        query.append_pair("iss", &self.issuer).finish()
    }
}

type Shared = State<Arc<Mutex<Inside>>>;

async fn metadata_of(State(state): Shared) -> Json<Value> {
    Json(state.lock().unwrap().metadata.clone())
}

async fn keys(State(state): Shared) -> Json<Value> {
    let state = state.lock().unwrap();
    let mut jwk = serde_json::to_value(Jwk::from_encoding_key(&state.keys.own, Algorithm::ES256).unwrap()).unwrap();
    jwk["kid"] = json!("1");
    // A key of another kind is no hindrance.
    Json(json!({ "keys": [{ "kty": "XYZ", "kid": "0" }, jwk] }))
}

/// Checks a request to a token endpoint as RFC 6749 and RFC 7636 have it.
fn redeem(state: &mut Inside, body: &str, secret_is_right: bool) -> Result<Code, &'static str> {
    let form: HashMap<String, String> = url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    state.asked.push(form["code"].clone());
    let code = state.codes.remove(&form["code"]).ok_or("invalid_grant")?;
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(&form["code_verifier"]));
    match secret_is_right {
        false => Err("invalid_client"),
        true if challenge != code.challenge || form["redirect_uri"] != code.redirect_uri => Err("invalid_grant"),
        true => Ok(code),
    }
}

async fn token(State(state): Shared, headers: HeaderMap, body: String) -> (StatusCode, Json<Value>) {
    let mut state = state.lock().unwrap();
    let encoded = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let basic = format!("Basic {}", STANDARD.encode(format!("{}:{}", encoded(CLIENT), encoded(SECRET))));
    match redeem(&mut state, &body, headers["authorization"] == basic.as_str()) {
        Err(error) => (StatusCode::BAD_REQUEST, Json(json!({ "error": error }))),
        Ok(code) => {
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
            let claims = json!({
                "iss": state.issuer, "sub": code.account.subject, "aud": CLIENT, "iat": now, "exp": now + 600,
                "nonce": code.nonce, "email": code.account.email, "email_verified": code.account.verified,
            });
            let id_token = (state.write)(claims, &state.keys);
            (StatusCode::OK, Json(json!({ "access_token": "a", "token_type": "Bearer", "id_token": id_token })))
        }
    }
}

async fn github_token(State(state): Shared, body: String) -> Json<Value> {
    let mut state = state.lock().unwrap();
    let form: HashMap<String, String> = url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    let right = form["client_id"] == CLIENT && form["client_secret"] == SECRET;
    match redeem(&mut state, &body, right) {
        // GitHub's errors are 200.
        Err(error) => Json(json!({ "error": error })),
        Ok(code) => {
            let token = Uuid::now_v7().to_string();
            state.tokens.insert(token.clone(), code.account);
            Json(json!({ "access_token": token, "token_type": "bearer", "scope": "read:user,user:email" }))
        }
    }
}

fn owner(state: &Inside, headers: &HeaderMap) -> Account {
    let token = headers["authorization"].to_str().unwrap().strip_prefix("Bearer ").unwrap();
    assert!(headers.contains_key("user-agent"), "GitHub refuses requests without one");
    state.tokens[token].clone()
}

async fn github_user(State(state): Shared, headers: HeaderMap) -> Json<Value> {
    let account = owner(&state.lock().unwrap(), &headers);
    let id: u64 = account.subject.parse().unwrap();
    Json(json!({ "id": id, "login": "ada", "name": null, "email": null }))
}

async fn github_emails(State(state): Shared, headers: HeaderMap) -> Json<Value> {
    let account = owner(&state.lock().unwrap(), &headers);
    Json(json!([
        { "email": "other@example.org", "primary": false, "verified": true },
        { "email": account.email, "primary": true, "verified": account.verified },
    ]))
}
