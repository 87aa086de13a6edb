//! Passkeys, with an authenticator in software that was written from the specification and not from the core's code.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::Signer;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::log_in;
use super::mfa::verified;
use crate::support::{Answer, TestApp, User, settings};

/// User present, user verified.
const FLAGS: u8 = 0b101;

enum Key {
    P256(p256::ecdsa::SigningKey),
    Ed25519(ed25519_dalek::SigningKey),
}

/// An authenticator with one credential, and the browser around it.
pub struct Authenticator {
    id: Vec<u8>,
    key: Key,
    user_handle: String,
    pub origin: &'static str,
    pub flags: u8,
    pub count: u32,
}

impl Authenticator {
    pub fn new(origin: &'static str) -> Self {
        let id = uuid::Uuid::new_v4().as_bytes().to_vec();
        let secret: [u8; 32] = Sha256::digest(&id).into();
        let key = Key::P256(p256::ecdsa::SigningKey::from_slice(&secret).unwrap());
        Self { id, key, user_handle: String::new(), origin, flags: FLAGS, count: 0 }
    }

    fn with_ed25519(mut self) -> Self {
        self.key = Key::Ed25519(ed25519_dalek::SigningKey::from_bytes(&Sha256::digest(&self.id).into()));
        self
    }

    fn cose(&self) -> Vec<u8> {
        match &self.key {
            Key::P256(key) => {
                let point = key.verifying_key().to_encoded_point(false);
                let (x, y) = (point.x().unwrap(), point.y().unwrap());
                // {1: 2, 3: -7, -1: 1, -2: x, -3: y}
                [&[0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 32][..], x, &[0x22, 0x58, 32], y].concat()
            }
            // {1: 1, 3: -8, -1: 6, -2: x}
            Key::Ed25519(key) => {
                [&[0xa4, 0x01, 0x01, 0x03, 0x27, 0x20, 0x06, 0x21, 0x58, 32][..], key.verifying_key().as_bytes()]
                    .concat()
            }
        }
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        match &self.key {
            Key::P256(key) => {
                let signature: p256::ecdsa::Signature = p256::ecdsa::signature::Signer::sign(key, message);
                signature.to_der().as_bytes().to_vec()
            }
            Key::Ed25519(key) => key.sign(message).to_bytes().to_vec(),
        }
    }

    fn client_data(&self, kind: &str, challenge: &Value) -> Vec<u8> {
        json!({ "type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": false }).to_string().into()
    }

    fn data(&self, domain: &str, more: u8) -> Vec<u8> {
        [&Sha256::digest(domain)[..], &[self.flags | more], &self.count.to_be_bytes()].concat()
    }

    /// `navigator.credentials.create()`
    pub fn create(&mut self, options: &Value) -> Value {
        self.user_handle = options["user"]["id"].as_str().unwrap().to_owned();
        let mut data = self.data(options["rp"]["id"].as_str().unwrap(), 0x40);
        data.extend([0; 16]);
        data.extend((self.id.len() as u16).to_be_bytes());
        data.extend(&self.id);
        data.extend(self.cose());
        let client_data = self.client_data("webauthn.create", &options["challenge"]);
        let id = URL_SAFE_NO_PAD.encode(&self.id);
        json!({ "id": id, "rawId": id, "type": "public-key", "clientExtensionResults": {}, "response": {
            "clientDataJSON": URL_SAFE_NO_PAD.encode(client_data), "transports": ["internal"],
            "authenticatorData": URL_SAFE_NO_PAD.encode(data), "attestationObject": "o2Zub25l", "publicKeyAlgorithm": -7,
        } })
    }

    /// `navigator.credentials.get()`
    pub fn get(&mut self, options: &Value) -> Value {
        let data = self.data(options["rpId"].as_str().unwrap(), 0);
        let client_data = self.client_data("webauthn.get", &options["challenge"]);
        let signature = self.sign(&[&data[..], &Sha256::digest(&client_data)].concat());
        let id = URL_SAFE_NO_PAD.encode(&self.id);
        json!({ "id": id, "rawId": id, "type": "public-key", "clientExtensionResults": {}, "response": {
            "clientDataJSON": URL_SAFE_NO_PAD.encode(client_data), "authenticatorData": URL_SAFE_NO_PAD.encode(data),
            "signature": URL_SAFE_NO_PAD.encode(signature), "userHandle": self.user_handle,
        } })
    }
}

const PAGE: &str = "https://app.example.org";

async fn app() -> TestApp {
    let own = settings([("IDENTITY__PASSKEY_DOMAIN", "example.org"), ("IDENTITY__PASSKEY_ORIGINS", PAGE)]);
    TestApp::start_with(own).await
}

pub async fn creation_options(app: &TestApp, user: &User) -> Value {
    app.post("/api/v1/me/passkeys/options").bearer(&user.access_token).send().await.expect(200).json()
}

pub async fn request_options(app: &TestApp) -> Value {
    app.post("/api/v1/auth/passkey/options").send().await.expect(200).json()
}

async fn add(app: &TestApp, user: &User, credential: Value) -> Answer {
    let new = json!({ "name": "My phone", "credential": credential });
    app.post("/api/v1/me/passkeys").bearer(&user.access_token).json(new).send().await
}

/// Adds a passkey.
pub async fn register(app: &TestApp, user: &User, authenticator: &mut Authenticator) -> Value {
    let credential = authenticator.create(&creation_options(app, user).await);
    add(app, user, credential).await.expect(201).json()
}

async fn sign_in(app: &TestApp, credential: Value) -> Answer {
    app.post("/api/v1/auth/passkey").json(json!({ "credential": credential })).send().await
}

#[tokio::test]
async fn a_passkey_signs_in_alone_and_a_password_does_not_any_more() {
    let app = app().await;
    let user = verified(&app).await;
    for mut authenticator in [Authenticator::new(PAGE), Authenticator::new(PAGE).with_ed25519()] {
        let added = register(&app, &user, &mut authenticator).await;
        assert_eq!((&added["name"], &added["used_at"]), (&json!("My phone"), &Value::Null));
        let credential = authenticator.get(&request_options(&app).await);
        let body = sign_in(&app, credential).await.expect(200).json();
        let signed_in = User::of(&body, &user.password);
        assert_eq!(signed_in.id, user.id);
        let sessions = app.get("/api/v1/auth/sessions").bearer(&signed_in.access_token).send().await.json();
        assert_eq!(sessions["items"][0]["mfa"], true);
    }
    let listed = app.get("/api/v1/me/passkeys").bearer(&user.access_token).send().await.expect(200).json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 2);
    assert!(listed["items"][0]["used_at"].is_string());
    let problem = log_in(&app, &user.email, &user.password).await.problem(401, "mfa-required");
    assert_eq!(problem["mfa"]["methods"], json!(["passkey", "recovery-code"]));
    let mails = app.mailed(&user.email).await;
    assert_eq!(mails.last().unwrap().header("subject"), "Signing in to Breakwater now takes a second step");
}

#[tokio::test]
async fn recovery_codes_come_with_the_first_passkey() {
    let app = app().await;
    let user = verified(&app).await;
    let first = register(&app, &user, &mut Authenticator::new(PAGE)).await;
    assert_eq!(first["recovery_codes"].as_array().unwrap().len(), 10);
    assert!(register(&app, &user, &mut Authenticator::new(PAGE)).await.get("recovery_codes").is_none());
    let options = creation_options(&app, &user).await;
    assert_eq!(options["excludeCredentials"].as_array().unwrap().len(), 2, "no authenticator gets a second one");
    assert_eq!(options["rp"]["id"], "example.org");
    assert_eq!(options["authenticatorSelection"]["userVerification"], "required");
}

#[tokio::test]
async fn what_is_not_signed_as_it_should_be_signs_nobody_in() {
    let app = app().await;
    let user = verified(&app).await;
    let mut authenticator = Authenticator::new(PAGE);
    register(&app, &user, &mut authenticator).await;
    let options = request_options(&app).await;
    let good = authenticator.get(&options);
    sign_in(&app, good.clone()).await.expect(200);
    sign_in(&app, good).await.problem(401, "invalid-passkey");

    let refused = async |authenticator: &mut Authenticator, change: &dyn Fn(&mut Value), why: &str| {
        let mut credential = authenticator.get(&request_options(&app).await);
        change(&mut credential);
        let answer = sign_in(&app, credential).await;
        assert_eq!(answer.status, 401, "{why}: {answer:?}");
        answer.problem(401, "invalid-passkey");
    };
    let nothing = |_: &mut Value| {};
    authenticator.origin = "https://evil.example";
    refused(&mut authenticator, &nothing, "another page").await;
    authenticator.origin = PAGE;
    authenticator.flags = 0b001;
    refused(&mut authenticator, &nothing, "nobody was verified").await;
    authenticator.flags = FLAGS;
    let stranger = Authenticator::new(PAGE);
    let signature = URL_SAFE_NO_PAD.encode(stranger.sign(b"anything"));
    refused(&mut authenticator, &|credential| credential["response"]["signature"] = json!(signature), "a stranger")
        .await;
    refused(&mut authenticator, &|credential| credential["rawId"] = json!("AAAA"), "an unknown passkey").await;
    refused(&mut authenticator, &|credential| credential["response"]["userHandle"] = json!("AAAA"), "another's").await;
    refused(&mut authenticator, &|credential| credential["response"]["authenticatorData"] = json!("!"), "no data")
        .await;
    let invented = json!({ "rpId": "example.org", "challenge": URL_SAFE_NO_PAD.encode([7; 32]) });
    sign_in(&app, authenticator.get(&invented)).await.problem(401, "invalid-passkey");
    let old = request_options(&app).await;
    sqlx::query("UPDATE passkey_challenges SET expires_at = now()").execute(&mut app.database().await).await.unwrap();
    sign_in(&app, authenticator.get(&old)).await.problem(401, "invalid-passkey");
    let creation = creation_options(&app, &user).await;
    let for_registration = json!({ "rpId": "example.org", "challenge": creation["challenge"] });
    sign_in(&app, authenticator.get(&for_registration)).await.problem(401, "invalid-passkey");
    let last = authenticator.get(&request_options(&app).await);
    sign_in(&app, last).await.expect(200);
}

#[tokio::test]
async fn a_counter_that_does_not_rise_tells_of_a_copy() {
    let app = app().await;
    let user = verified(&app).await;
    let mut authenticator = Authenticator::new(PAGE);
    register(&app, &user, &mut authenticator).await;
    for (count, status) in [(5, 200), (6, 200), (6, 401), (0, 401), (7, 200)] {
        authenticator.count = count;
        let credential = authenticator.get(&request_options(&app).await);
        assert_eq!(sign_in(&app, credential).await.status, status, "{count}");
    }
}

#[tokio::test]
async fn a_challenge_has_256_bits_and_is_like_no_other() {
    let app = app().await;
    let user = verified(&app).await;
    let mut seen = std::collections::HashSet::new();
    for _ in 0..3 {
        for options in [creation_options(&app, &user).await, request_options(&app).await] {
            let challenge = options["challenge"].as_str().unwrap().to_owned();
            assert_eq!(URL_SAFE_NO_PAD.decode(&challenge).unwrap().len(), 32);
            assert!(seen.insert(challenge));
        }
    }
}

#[tokio::test]
async fn a_registration_is_for_who_asked_and_once() {
    let app = app().await;
    let (user, other) = (verified(&app).await, verified(&app).await);
    let mut authenticator = Authenticator::new(PAGE);
    let credential = authenticator.create(&creation_options(&app, &user).await);
    add(&app, &other, credential.clone()).await.problem(401, "invalid-passkey");
    add(&app, &user, credential.clone()).await.expect(201);
    add(&app, &user, credential).await.problem(401, "invalid-passkey");
    let again = authenticator.create(&creation_options(&app, &other).await);
    add(&app, &other, again).await.problem(409, "conflict");
    authenticator.flags = 0b001;
    let unverified = authenticator.create(&creation_options(&app, &user).await);
    add(&app, &user, unverified).await.problem(401, "invalid-passkey");
    let request = json!({ "rpId": "example.org", "challenge": request_options(&app).await["challenge"] });
    let mut new = Authenticator::new(PAGE);
    let mut options = creation_options(&app, &user).await;
    options["challenge"] = request["challenge"].clone();
    add(&app, &user, new.create(&options)).await.problem(401, "invalid-passkey");
    let unproved = app.user().await;
    let call = app.post("/api/v1/me/passkeys/options").bearer(&unproved.access_token);
    call.send().await.problem(403, "email-unverified");
}

#[tokio::test]
async fn a_passkey_proves_again_who_one_is_until_it_is_removed() {
    let app = app().await;
    let (user, other) = (verified(&app).await, verified(&app).await);
    let (mut own, mut others) = (Authenticator::new(PAGE), Authenticator::new(PAGE));
    let added = register(&app, &user, &mut own).await;
    register(&app, &other, &mut others).await;
    sqlx::query("UPDATE sessions SET authenticated_at = NULL").execute(&mut app.database().await).await.unwrap();
    let path = format!("/api/v1/me/passkeys/{}", added["id"].as_str().unwrap());
    let remove = |user: &User| app.delete(&path).bearer(&user.access_token).send();
    let prove = async |credential: Value| {
        let call = app.post("/api/v1/auth/step-up").bearer(&user.access_token);
        call.json(json!({ "passkey": credential })).send().await
    };
    remove(&user).await.problem(401, "step-up-required");
    prove(others.get(&request_options(&app).await)).await.problem(400, "invalid-code");
    remove(&user).await.problem(401, "step-up-required");
    prove(own.get(&request_options(&app).await)).await.expect(204);
    remove(&user).await.expect(204);
    let credential = own.get(&request_options(&app).await);
    sign_in(&app, credential).await.problem(401, "invalid-passkey");
    log_in(&app, &user.email, &user.password).await.expect(200);
}
