//! Second factors.

use std::time::{SystemTime, UNIX_EPOCH};

use ring::hmac;
use serde_json::{Value, json};

use super::{is_signed_in, log_in};
use crate::support::{Answer, TestApp, User};

/// Somebody whose address is verified.
pub async fn verified(app: &TestApp) -> User {
    let user = app.user().await;
    let proof = json!({ "code": app.mailed_code(&user.email).await, "password": user.password });
    let answer = app.post("/api/v1/auth/verify-email").json(proof).send().await.expect(200);
    User::of(&answer.json(), &user.password)
}

/// Begins with an authenticator app: its secret.
pub async fn begin(app: &TestApp, user: &User) -> Vec<u8> {
    let begun = app.post("/api/v1/me/mfa/totp").bearer(&user.access_token).send().await.expect(201).json();
    let uri = begun["uri"].as_str().unwrap();
    let secret = begun["secret"].as_str().unwrap();
    assert!(uri.starts_with("otpauth://totp/Breakwater:") && uri.contains(&format!("secret={secret}&")), "{uri}");
    base32(secret)
}

/// What an authenticator app shows now, or so many steps later.
pub fn code(secret: &[u8], later: u64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let mac =
        hmac::sign(&hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret), &(now / 30 + later).to_be_bytes());
    let at = usize::from(mac.as_ref()[19] & 15);
    let word = u32::from_be_bytes(mac.as_ref()[at..at + 4].try_into().unwrap()) & 0x7fff_ffff;
    format!("{:06}", word % 1_000_000)
}

fn base32(text: &str) -> Vec<u8> {
    let mut bits = String::new();
    for letter in text.bytes() {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            _ => letter - b'2' + 26,
        };
        bits.push_str(&format!("{value:05b}"));
    }
    bits.as_bytes()
        .chunks_exact(8)
        .map(|byte| u8::from_str_radix(std::str::from_utf8(byte).unwrap(), 2).unwrap())
        .collect()
}

/// Somebody with an authenticator app, and its secret. The present code is used up.
pub async fn with_app(app: &TestApp) -> (User, Vec<u8>) {
    let (user, secret, _) = with_codes(app).await;
    (user, secret)
}

async fn with_codes(app: &TestApp) -> (User, Vec<u8>, Vec<String>) {
    let user = verified(app).await;
    let secret = begin(app, &user).await;
    let confirm = app.post("/api/v1/me/mfa/totp/confirm").bearer(&user.access_token);
    let confirmed = confirm.json(json!({ "code": code(&secret, 0) })).send().await.expect(200).json();
    let codes = confirmed["recovery_codes"].as_array().unwrap();
    let codes = codes.iter().map(|code| code.as_str().unwrap().to_owned()).collect();
    (user, secret, codes)
}

/// Somebody whose mailbox is a second factor.
pub async fn with_mailbox(app: &TestApp) -> User {
    let user = verified(app).await;
    app.put("/api/v1/me/mfa/email").bearer(&user.access_token).send().await.expect(200);
    user
}

/// The challenge that signing in answers.
pub async fn challenge(app: &TestApp, user: &User) -> String {
    let problem = log_in(app, &user.email, &user.password).await.problem(401, "mfa-required");
    problem["mfa"]["challenge"].as_str().unwrap().to_owned()
}

async fn answer(app: &TestApp, challenge: &str, method: &str, code: &str) -> Answer {
    let body = json!({ "challenge": challenge, "method": method, "code": code });
    app.post("/api/v1/auth/mfa").json(body).send().await
}

async fn state(app: &TestApp, user: &User) -> Value {
    app.get("/api/v1/me/mfa").bearer(&user.access_token).send().await.expect(200).json()
}

/// As if the last code had been used long ago.
async fn much_later(app: &TestApp) {
    sqlx::query("UPDATE second_factors SET last_step = 0").execute(&mut app.database().await).await.unwrap();
}

fn amr(token: &str) -> Value {
    use base64::Engine;
    let claims = token.split('.').nth(1).unwrap();
    let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(claims).unwrap();
    serde_json::from_slice::<Value>(&claims).unwrap()["amr"].take()
}

#[tokio::test]
async fn signing_in_takes_two_steps() {
    let app = TestApp::start().await;
    let (user, secret) = with_app(&app).await;
    let problem = log_in(&app, &user.email, &user.password).await.problem(401, "mfa-required");
    assert_eq!(problem["mfa"]["methods"], json!(["totp", "recovery-code"]));
    assert_eq!(problem["mfa"]["expires_in"], 600);
    let challenge = problem["mfa"]["challenge"].as_str().unwrap();
    answer(&app, challenge, "totp", "000000").await.problem(400, "invalid-code");
    answer(&app, challenge, "totp", &code(&secret, 0)).await.problem(400, "invalid-code");
    let body = answer(&app, challenge, "totp", &code(&secret, 1)).await.expect(200).json();
    assert!(body.get("device_token").is_none());
    let signed_in = User::of(&body, &user.password);
    assert_eq!(amr(&signed_in.access_token), json!(["mfa"]));
    assert_eq!(amr(&user.access_token), Value::Null);
    answer(&app, challenge, "totp", &code(&secret, 1)).await.problem(401, "invalid-challenge");
    let refreshed = app.post("/api/v1/auth/refresh").json(json!({ "refresh_token": signed_in.refresh_token }));
    let refreshed = refreshed.send().await.expect(200).json();
    assert_eq!(amr(refreshed["access_token"].as_str().unwrap()), json!(["mfa"]), "a refresh forgets nothing");
    let sessions = app.get("/api/v1/auth/sessions").bearer(&signed_in.access_token).send().await.json();
    assert_eq!(sessions["items"][0]["mfa"], true);
    // Without the password there is no second step at all.
    log_in(&app, &user.email, "not the password").await.problem(401, "invalid-credentials");
}

#[tokio::test]
async fn one_code_lets_one_in() {
    let app = TestApp::start().await;
    let (user, secret) = with_app(&app).await;
    much_later(&app).await;
    let mut challenges = Vec::new();
    for _ in 0..4 {
        challenges.push(challenge(&app, &user).await);
    }
    let code = code(&secret, 0);
    let racing = challenges.iter().map(|challenge| answer(&app, challenge, "totp", &code));
    let mut statuses: Vec<_> =
        futures_util::future::join_all(racing).await.iter().map(|answer| answer.status.as_u16()).collect();
    statuses.sort();
    assert_eq!(statuses, [200, 400, 400, 400]);
}

#[tokio::test]
async fn challenges_grow_old_and_are_nobody_elses() {
    let app = TestApp::start().await;
    let (user, secret) = with_app(&app).await;
    let token = challenge(&app, &user).await;
    for wrong in ["", "x", &"A".repeat(43)] {
        answer(&app, wrong, "totp", &code(&secret, 1)).await.problem(401, "invalid-challenge");
    }
    let old = "UPDATE mfa_challenges SET expires_at = now()";
    sqlx::query(old).execute(&mut app.database().await).await.unwrap();
    answer(&app, &token, "totp", &code(&secret, 1)).await.problem(401, "invalid-challenge");
    // Of two users, each needs their own code.
    let (other, _) = with_app(&app).await;
    let token = challenge(&app, &other).await;
    answer(&app, &token, "totp", &code(&secret, 1)).await.problem(400, "invalid-code");
}

#[tokio::test]
async fn guesses_at_codes_are_few() {
    let app = TestApp::start().await;
    let (user, secret) = with_app(&app).await;
    for _ in 0..5 {
        let token = challenge(&app, &user).await;
        answer(&app, &token, "totp", "000000").await.problem(400, "invalid-code");
    }
    let token = challenge(&app, &user).await;
    let refused = answer(&app, &token, "totp", &code(&secret, 1)).await;
    assert!(refused.header("retry-after").parse::<u32>().unwrap() <= 120);
    refused.problem(429, "too-many-attempts");
}

#[tokio::test]
async fn a_factor_needs_a_verified_address_and_a_recent_proof() {
    let app = TestApp::start().await;
    let unverified = app.user().await;
    for path in ["/api/v1/me/mfa/totp", "/api/v1/me/mfa/recovery-codes"] {
        let call = app.post(path).bearer(&unverified.access_token);
        call.send().await.problem(403, "email-unverified");
    }
    let mailbox = app.put("/api/v1/me/mfa/email").bearer(&unverified.access_token);
    mailbox.send().await.problem(403, "email-unverified");
    let user = verified(&app).await;
    let old = "UPDATE sessions SET authenticated_at = NULL";
    sqlx::query(old).execute(&mut app.database().await).await.unwrap();
    let call = app.post("/api/v1/me/mfa/totp").bearer(&user.access_token);
    call.send().await.problem(401, "step-up-required");
}

#[tokio::test]
async fn an_app_is_no_factor_before_it_is_confirmed_and_its_seed_is_encrypted() {
    let app = TestApp::start().await;
    let user = verified(&app).await;
    let first = begin(&app, &user).await;
    log_in(&app, &user.email, &user.password).await.expect(200);
    let second = begin(&app, &user).await;
    assert_ne!(first, second);
    let confirm = async |code: String| {
        let call = app.post("/api/v1/me/mfa/totp/confirm").bearer(&user.access_token);
        call.json(json!({ "code": code })).send().await
    };
    confirm(code(&first, 0)).await.problem(400, "invalid-code");
    assert_eq!(
        state(&app, &user).await,
        json!({ "totp": false, "email": false, "passkeys": 0, "recovery_codes_left": 0 })
    );
    confirm(code(&second, 0)).await.expect(200);
    assert_eq!(
        state(&app, &user).await,
        json!({ "totp": true, "email": false, "passkeys": 0, "recovery_codes_left": 10 })
    );
    app.post("/api/v1/me/mfa/totp").bearer(&user.access_token).send().await.problem(409, "conflict");
    let stored: Vec<u8> =
        sqlx::query_scalar("SELECT seed FROM second_factors").fetch_one(&mut app.database().await).await.unwrap();
    assert!(!stored.windows(second.len()).any(|window| window == second));
    let mails = app.mailed(&user.email).await;
    assert_eq!(mails.last().unwrap().header("subject"), "Signing in to Breakwater now takes a second step");
}

#[tokio::test]
async fn recovery_codes_are_good_once_and_their_use_is_told() {
    let app = TestApp::start().await;
    let (user, _, codes) = with_codes(&app).await;
    assert_eq!(codes.len(), 10);
    let token = challenge(&app, &user).await;
    let body = answer(&app, &token, "recovery-code", &codes[0].to_lowercase()).await.expect(200).json();
    let again = User::of(&body, &user.password);
    let mails = app.mailed(&user.email).await;
    assert!(mails.last().unwrap().text.contains("9 are left"), "{}", mails.last().unwrap().text);
    let token = challenge(&app, &user).await;
    answer(&app, &token, "recovery-code", &codes[0]).await.problem(400, "invalid-code");
    let renew = app.post("/api/v1/me/mfa/recovery-codes").bearer(&again.access_token);
    let renewed = renew.send().await.expect(200).json();
    let renewed: Vec<_> =
        renewed["recovery_codes"].as_array().unwrap().iter().map(|code| code.as_str().unwrap()).collect();
    answer(&app, &token, "recovery-code", &codes[1]).await.problem(400, "invalid-code");
    answer(&app, &token, "recovery-code", renewed[1]).await.expect(200);
    let stored: Vec<Value> = sqlx::query_scalar("SELECT to_jsonb(c) FROM recovery_codes c")
        .fetch_all(&mut app.database().await)
        .await
        .unwrap();
    assert_eq!(stored.len(), 9);
    assert!(!format!("{stored:?}").contains(renewed[2]));
}

#[tokio::test]
async fn codes_by_mail_are_good_once_and_only_the_newest_is() {
    let app = TestApp::start().await;
    let user = with_mailbox(&app).await;
    let problem = log_in(&app, &user.email, &user.password).await.problem(401, "mfa-required");
    assert_eq!(problem["mfa"]["methods"], json!(["email", "recovery-code"]));
    let token = problem["mfa"]["challenge"].as_str().unwrap().to_owned();
    let mailed = async || {
        let call = app.post("/api/v1/auth/mfa/email-code").json(json!({ "challenge": token }));
        call.send().await.expect(202);
        let mails = app.mailed(&user.email).await;
        let mail = mails.last().unwrap();
        let code = mail.text.lines().find(|line| line.len() == 8 && line.bytes().all(|b| b.is_ascii_digit()));
        code.unwrap_or_else(|| panic!("{}", mail.text)).to_owned()
    };
    let (first, second) = (mailed().await, mailed().await);
    if first != second {
        answer(&app, &token, "email", &first).await.problem(400, "invalid-code");
    }
    answer(&app, &token, "email", &second).await.expect(200);
    let other = challenge(&app, &user).await;
    answer(&app, &other, "email", &second).await.problem(400, "invalid-code");
    for _ in 0..3 {
        mailed_again(&app, &other).await.expect(202);
    }
    mailed_again(&app, &other).await.problem(429, "too-many-attempts");
}

async fn mailed_again(app: &TestApp, challenge: &str) -> Answer {
    app.post("/api/v1/auth/mfa/email-code").json(json!({ "challenge": challenge })).send().await
}

#[tokio::test]
async fn codes_are_mailed_only_to_those_who_want_them() {
    let app = TestApp::start().await;
    let (user, _) = with_app(&app).await;
    let token = challenge(&app, &user).await;
    mailed_again(&app, &token).await.problem(409, "conflict");
    answer(&app, &token, "email", "00000000").await.problem(400, "invalid-code");
}

#[tokio::test]
async fn a_reset_skips_no_second_factor_and_takes_trust_back() {
    let app = TestApp::start().await;
    let (user, secret) = with_app(&app).await;
    let token = challenge(&app, &user).await;
    let body = json!({ "challenge": token, "method": "totp", "code": code(&secret, 1), "remember_device": true });
    let body = app.post("/api/v1/auth/mfa").json(body).send().await.expect(200).json();
    let device = body["device_token"].as_str().unwrap();
    let pending = log_in(&app, &user.email, &user.password).await.problem(401, "mfa-required");
    app.post("/api/v1/auth/password-reset").json(json!({ "email": user.email })).send().await.expect(202);
    let reset = json!({ "code": app.mailed_code(&user.email).await, "new_password": "a new long password" });
    app.post("/api/v1/auth/password-reset/confirm").json(reset).send().await.expect(204);
    let login = json!({ "email": user.email, "password": "a new long password", "device_token": device });
    app.post("/api/v1/auth/login").json(login).send().await.problem(401, "mfa-required");
    // Nor does a sign-in that had begun with the old password go on.
    much_later(&app).await;
    let begun = pending["mfa"]["challenge"].as_str().unwrap();
    answer(&app, begun, "totp", &code(&secret, 0)).await.problem(401, "invalid-challenge");
}

#[tokio::test]
async fn a_trusted_device_is_not_asked_until_it_is_trusted_no_longer() {
    let app = TestApp::start().await;
    let (user, secret) = with_app(&app).await;
    let token = challenge(&app, &user).await;
    let body = json!({ "challenge": token, "method": "totp", "code": code(&secret, 1), "remember_device": true });
    let body = app.post("/api/v1/auth/mfa").header("user-agent", "curl/8").json(body).send().await.expect(200).json();
    let device = body["device_token"].as_str().unwrap().to_owned();
    let log_in = async |user: &User, device: &str| {
        let login = json!({ "email": user.email, "password": user.password, "device_token": device });
        app.post("/api/v1/auth/login").json(login).send().await
    };
    let body = log_in(&user, &device).await.expect(200).json();
    let signed_in = User::of(&body, &user.password);
    assert_eq!(amr(&signed_in.access_token), json!(["mfa"]));
    let (other, _) = with_app(&app).await;
    log_in(&other, &device).await.problem(401, "mfa-required");
    log_in(&user, "nonsense").await.problem(401, "mfa-required");
    let devices = app.get("/api/v1/me/devices").bearer(&signed_in.access_token).send().await.expect(200).json();
    assert_eq!((&devices["items"][0]["device"], devices["items"].as_array().unwrap().len()), (&json!("curl"), 1));
    let path = format!("/api/v1/me/devices/{}", devices["items"][0]["id"].as_str().unwrap());
    app.delete(&path).bearer(&other.access_token).send().await.problem(404, "not-found");
    let mut database = app.database().await;
    let shift =
        |days: &str| sqlx::AssertSqlSafe(format!("UPDATE trusted_devices SET expires_at = now() + interval '{days}'"));
    sqlx::query(shift("-1 days")).execute(&mut database).await.unwrap();
    log_in(&user, &device).await.problem(401, "mfa-required");
    sqlx::query(shift("1 days")).execute(&mut database).await.unwrap();
    log_in(&user, &device).await.expect(200);
    app.delete(&path).bearer(&signed_in.access_token).send().await.expect(204);
    log_in(&user, &device).await.problem(401, "mfa-required");
}

#[tokio::test]
async fn proving_again_who_one_is_takes_the_second_factor() {
    let app = TestApp::start().await;
    let (user, secret) = with_app(&app).await;
    let old = "UPDATE sessions SET authenticated_at = NULL";
    sqlx::query(old).execute(&mut app.database().await).await.unwrap();
    let remove = || app.delete("/api/v1/me/mfa/totp").bearer(&user.access_token).send();
    let prove = async |body: Value| app.post("/api/v1/auth/step-up").bearer(&user.access_token).json(body).send().await;
    remove().await.problem(401, "step-up-required");
    prove(json!({ "password": user.password })).await.problem(422, "validation-failed");
    remove().await.problem(401, "step-up-required");
    prove(json!({ "method": "totp", "code": "000000" })).await.problem(400, "invalid-code");
    prove(json!({ "method": "totp", "code": code(&secret, 1) })).await.expect(204);
    remove().await.expect(204);
    // With the last factor go the recovery codes, and signing in takes one step again.
    assert_eq!(
        state(&app, &user).await,
        json!({ "totp": false, "email": false, "passkeys": 0, "recovery_codes_left": 0 })
    );
    log_in(&app, &user.email, &user.password).await.expect(200);
    remove().await.problem(404, "not-found");
    let mails = app.mailed(&user.email).await;
    let subject = mails.last().unwrap().header("subject");
    assert_eq!(subject, "A second factor was removed from your account with Breakwater");
}

#[tokio::test]
async fn proving_it_by_mail() {
    let app = TestApp::start().await;
    let user = with_mailbox(&app).await;
    let ask = || app.post("/api/v1/auth/step-up/email-code").bearer(&user.access_token).send();
    ask().await.expect(202);
    let mails = app.mailed(&user.email).await;
    let text = &mails.last().unwrap().text;
    let code = text.lines().find(|line| line.len() == 8 && line.bytes().all(|b| b.is_ascii_digit())).unwrap();
    let old = "UPDATE sessions SET authenticated_at = NULL";
    sqlx::query(old).execute(&mut app.database().await).await.unwrap();
    let prove = app.post("/api/v1/auth/step-up").bearer(&user.access_token);
    prove.json(json!({ "method": "email", "code": code })).send().await.expect(204);
    app.delete("/api/v1/me/mfa/email").bearer(&user.access_token).send().await.expect(204);
    assert!(is_signed_in(&app, &user).await);
}

#[tokio::test]
async fn the_audit_trail_tells_of_all_of_it() {
    let app = TestApp::start().await;
    let (user, _, codes) = with_codes(&app).await;
    let token = challenge(&app, &user).await;
    answer(&app, &token, "totp", "000000").await.problem(400, "invalid-code");
    let body = json!({ "challenge": token, "method": "recovery-code", "code": codes[0], "remember_device": true });
    let body = app.post("/api/v1/auth/mfa").json(body).send().await.expect(200).json();
    let user = User::of(&body, &user.password);
    let prove = async |code: &str| {
        let call = app.post("/api/v1/auth/step-up").bearer(&user.access_token);
        call.json(json!({ "method": "recovery-code", "code": code })).send().await
    };
    prove(&codes[0]).await.problem(400, "invalid-code");
    prove(&codes[1]).await.expect(204);
    app.post("/api/v1/me/mfa/recovery-codes").bearer(&user.access_token).send().await.expect(200);
    app.delete("/api/v1/me/mfa/totp").bearer(&user.access_token).send().await.expect(204);
    app.delete("/api/v1/auth/sessions").bearer(&user.access_token).send().await.expect(204);
    let trail = app.get("/api/v1/me/audit").bearer(&user.access_token).send().await.expect(200).json();
    let told: Vec<_> = trail["items"]
        .as_array()
        .unwrap()
        .iter()
        .rev()
        .map(|event| format!("{} {}", event["action"].as_str().unwrap(), event["outcome"].as_str().unwrap()))
        .skip_while(|event| event != "second-factor.added success")
        .collect();
    assert_eq!(
        told,
        [
            "second-factor.added success",
            "login.failed failure",
            "recovery-code.used success",
            "device.trusted success",
            "session.started success",
            "session.stepped-up failure",
            "recovery-code.used success",
            "session.stepped-up success",
            "recovery-codes.renewed success",
            "second-factor.removed success",
            "session.ended success",
        ]
    );
    assert!(!trail.to_string().contains(&codes[0]));
}
