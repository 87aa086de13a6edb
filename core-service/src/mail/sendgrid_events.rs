//! `POST /api/v1/mail/sendgrid/events`: SendGrid tells what became of mails (its signed event webhook).

use axum::extract::{Request, State};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderName, StatusCode};
use p256::ecdsa::signature::Verifier;
use p256::ecdsa::{Signature, VerifyingKey};
use serde::Deserialize;
use utoipa::ToSchema;

use super::suppression::{self, Because};
use crate::app::AppState;
use crate::database::Scope;
use crate::http::{body, header};
use crate::problem::{self, Problem, Result};

const SIGNATURE: HeaderName = HeaderName::from_static("x-twilio-email-event-webhook-signature");
const TIMESTAMP: HeaderName = HeaderName::from_static("x-twilio-email-event-webhook-timestamp");

/// Older than this is not looked at. SendGrid tries again for a day.
const OLDEST_SECONDS: i64 = 86_400 + 300;

/// What became of a mail. SendGrid says more; we read this.
#[derive(Deserialize, ToSchema)]
pub struct SendGridEvent {
    /// `bounce`, `spamreport`, `delivered` and so on.
    event: String,
    /// Whom the mail was for.
    #[serde(default)]
    email: String,
    /// Of a bounce: `bounce`, or `blocked`, which may pass.
    #[serde(default)]
    r#type: Option<String>,
    /// What the other mail server said.
    #[serde(default)]
    reason: Option<String>,
}

/// Take SendGrid's events
///
/// For SendGrid's event webhook, whose signature (ECDSA) is checked against `mail.sendgrid_events_key`. Addresses
/// that bounced or complained get no mail any more. Without that setting there is nothing here.
#[utoipa::path(
    post,
    path = "/api/v1/mail/sendgrid/events",
    operation_id = "mail.sendgrid.events",
    tag = "mail",
    request_body = Vec<SendGridEvent>,
    params(
        ("X-Twilio-Email-Event-Webhook-Signature" = String, Header, description = "The signature, base64"),
        ("X-Twilio-Email-Event-Webhook-Timestamp" = String, Header, description = "When it was signed, Unix seconds"),
    ),
    responses(
        (status = 204, description = "Taken"),
        problem::Always, problem::Authorized, problem::Lookup, problem::Body,
    ),
    security(()),
)]
pub async fn take(State(app): State<AppState>, request: Request) -> Result<StatusCode> {
    let key = app.config.mail.sendgrid_events_key.as_ref().ok_or_else(Problem::not_found)?;
    let (parts, rest) = request.into_parts();
    let signature = header(&parts, &SIGNATURE)?.unwrap_or_default().to_owned();
    let timestamp = header(&parts, &TIMESTAMP)?.unwrap_or_default().to_owned();
    let body = body(Request::from_parts(parts, rest), &app).await?;
    if !is_signed(key, &signature, &timestamp, &body) || !is_recent(&timestamp) {
        return Err(Problem::forbidden().detail("The signature is not SendGrid's, or too old."));
    }
    let events: Vec<SendGridEvent> =
        serde_json::from_slice(&body).map_err(|_| Problem::bad_request("The body is no list of SendGrid's events."))?;
    let mut tx = app.database.begin(&Scope::mail()).await?;
    for event in &events {
        if let Some(because) = event.suppresses() {
            let detail = event.reason.as_deref().map(|reason| reason.chars().take(1000).collect::<String>());
            suppression::add(&mut tx, &event.email, because, detail.as_deref()).await?;
            tracing::info!(event = event.event, "an address gets no mail any more");
        }
    }
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

impl SendGridEvent {
    fn suppresses(&self) -> Option<Because> {
        let usable = !self.email.is_empty() && self.email.len() <= 320;
        match self.event.as_str() {
            "bounce" if usable && self.r#type.as_deref() != Some("blocked") => Some(Because::Bounce),
            "spamreport" if usable => Some(Because::Complaint),
            _ => None,
        }
    }
}

/// ECDSA over P-256 and SHA-256, of the timestamp and the body.
fn is_signed(key: &VerifyingKey, signature: &str, timestamp: &str, body: &[u8]) -> bool {
    let signature = STANDARD.decode(signature).ok().and_then(|der| Signature::from_der(&der).ok());
    let signed = [timestamp.as_bytes(), body].concat();
    signature.is_some_and(|signature| key.verify(&signed, &signature).is_ok())
}

fn is_recent(timestamp: &str) -> bool {
    let now = time::OffsetDateTime::now_utc().unix_timestamp();
    timestamp.parse::<i64>().is_ok_and(|then| (-300..=OLDEST_SECONDS).contains(&now.saturating_sub(then)))
}
