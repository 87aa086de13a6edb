//! SendGrid's signed events: only its own are taken, and they keep mail from those who do not want it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};
use p256::pkcs8::EncodePublicKey;
use serde_json::json;

use super::{ask, work};
use crate::support::{Answer, TestApp, settings};

const PATH: &str = "/api/v1/mail/sendgrid/events";

fn key() -> SigningKey {
    SigningKey::from_slice(&[5; 32]).unwrap()
}

async fn app() -> TestApp {
    let public = STANDARD.encode(key().verifying_key().to_public_key_der().unwrap());
    TestApp::start_with(settings([("MAIL__SENDGRID_EVENTS_KEY", &public)])).await
}

fn now() -> i64 {
    time::OffsetDateTime::now_utc().unix_timestamp()
}

fn sign(key: &SigningKey, timestamp: &str, body: &str) -> String {
    let signature: Signature = key.sign(format!("{timestamp}{body}").as_bytes());
    STANDARD.encode(signature.to_der())
}

async fn tell(app: &TestApp, body: &str, timestamp: &str, signature: &str) -> Answer {
    app.post(PATH)
        .header("content-type", "application/json")
        .header("x-twilio-email-event-webhook-timestamp", timestamp)
        .header("x-twilio-email-event-webhook-signature", signature)
        .body(body.to_owned())
        .send()
        .await
}

async fn signed(app: &TestApp, body: &str) -> Answer {
    let now = now().to_string();
    tell(app, body, &now, &sign(&key(), &now, body)).await
}

/// Whether a mail to `email` is sent.
async fn is_sent(app: &TestApp, email: &str) -> bool {
    let before = app.mails().len();
    ask(app, email, &uuid::Uuid::now_v7().to_string()).await;
    work(app).await;
    app.mails().len() > before
}

#[tokio::test]
async fn bounces_and_complaints_end_mail_to_an_address_until_it_is_allowed_again() {
    let app = app().await;
    let events = json!([
        { "event": "bounce", "type": "bounce", "email": "Gone@Example.org", "reason": "550 no such user", "timestamp": 1,
          "sg_event_id": "a", "smtp-id": "<1@x>", "status": "5.0.0" },
        { "event": "bounce", "type": "blocked", "email": "blocked@example.org", "reason": "busy" },
        { "event": "spamreport", "email": "annoyed@example.org" },
        { "event": "delivered", "email": "glad@example.org", "response": "250 OK" },
        { "event": "something new" },
    ]);
    signed(&app, &events.to_string()).await.expect(204);
    // SendGrid may say it twice.
    signed(&app, &events.to_string()).await.expect(204);
    for (email, sent) in [("gone", false), ("annoyed", false), ("blocked", true), ("glad", true)] {
        assert_eq!(is_sent(&app, &format!("{email}@example.org")).await, sent, "{email}");
    }
    assert!(core_service::mail::suppression::lift(&app.state, "GONE@example.org").await.unwrap());
    assert!(is_sent(&app, "gone@example.org").await);
}

#[tokio::test]
async fn only_what_sendgrid_signed_lately_is_taken() {
    let app = app().await;
    let body = json!([{ "event": "spamreport", "email": "ada@example.org" }]).to_string();
    let (now, other) = (now(), SigningKey::from_slice(&[6; 32]).unwrap());
    let text = now.to_string();
    let good = sign(&key(), &text, &body);
    for (what, timestamp, signature) in [
        ("no signature", text.as_str(), ""),
        ("nonsense", &text, "AAAA"),
        ("another key", &text, &sign(&other, &text, &body)),
        ("another body", &text, &sign(&key(), &text, "[]")),
        ("another time", &(now - 1).to_string(), &good),
        ("yesterday", &(now - 100_000).to_string(), &sign(&key(), &(now - 100_000).to_string(), &body)),
        ("tomorrow", &(now + 100_000).to_string(), &sign(&key(), &(now + 100_000).to_string(), &body)),
        ("no time", "soon", &sign(&key(), "soon", &body)),
    ] {
        let answer = tell(&app, &body, timestamp, signature).await;
        assert_eq!(answer.status, 403, "{what}");
        answer.problem(403, "forbidden");
    }
    assert!(is_sent(&app, "ada@example.org").await);
    signed(&app, "{\"event\":1}").await.problem(400, "bad-request");
    tell(&app, &body, &text, &good).await.expect(204);
    assert!(!is_sent(&app, "ada@example.org").await);
}

#[tokio::test]
async fn without_a_key_there_is_nothing_here() {
    let app = TestApp::start().await;
    signed(&app, "[]").await.problem(404, "not-found");
}
