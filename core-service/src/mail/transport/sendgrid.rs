//! SendGrid's API, version 3: `POST /v3/mail/send`.

use std::time::Duration;

use anyhow::Context;
use reqwest::{Client, StatusCode, header};
use serde_json::{Value, json};
use url::Url;

use super::Envelope;
use crate::config::Secret;
use crate::events::{Failure, Outcome};

/// An answer that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(20);

/// An account with SendGrid.
pub(in crate::mail) struct SendGrid {
    client: Client,
    endpoint: Url,
    key: Secret,
}

impl SendGrid {
    pub(super) fn new(url: &Url, key: Secret) -> anyhow::Result<Self> {
        // Another part of the process may have installed it before.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().timeout(PATIENCE).redirect(reqwest::redirect::Policy::none()).build()?;
        Ok(Self { client, endpoint: url.join("/v3/mail/send").context("mail.sendgrid_url: has no host")?, key })
    }

    pub(super) async fn send(&self, envelope: &Envelope<'_>) -> Outcome {
        let request = self
            .client
            .post(self.endpoint.clone())
            .bearer_auth(self.key.reveal())
            .header(header::CONTENT_TYPE, "application/json")
            .body(body(envelope).to_string());
        let answer = request.send().await.map_err(|error| anyhow::Error::from(error.without_url()))?;
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        let wait = retry_after(&answer);
        let said = answer.text().await.unwrap_or_default();
        let error = anyhow::anyhow!("SendGrid answered {status}: {}", said.chars().take(500).collect::<String>());
        Err(match status {
            StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE | StatusCode::UNSUPPORTED_MEDIA_TYPE => {
                Failure::Final(error)
            }
            // Its own trouble, too many of ours, or a key or sender that the operator can put right.
            _ => match wait {
                Some(wait) => Failure::After(wait, error),
                None => Failure::Passing(error),
            },
        })
    }
}

/// What its reference calls a mail. Links are not rewritten: they let somebody in, and are nobody's to count.
fn body(envelope: &Envelope<'_>) -> Value {
    let content = &envelope.content;
    let mut from = json!({ "email": envelope.from.email.to_string() });
    if let Some(name) = &envelope.from.name {
        from["name"] = json!(name);
    }
    json!({
        "personalizations": [{ "to": [{ "email": envelope.to }], "custom_args": { "mail_id": envelope.id } }],
        "from": from,
        "subject": content.subject,
        "content": [
            { "type": "text/plain", "value": content.text },
            { "type": "text/html", "value": content.html },
        ],
        "headers": { "Auto-Submitted": "auto-generated" },
        "tracking_settings": {
            "click_tracking": { "enable": false, "enable_text": false },
            "open_tracking": { "enable": false },
        },
    })
}

fn retry_after(answer: &reqwest::Response) -> Option<Duration> {
    let value = answer.headers().get(header::RETRY_AFTER)?.to_str().ok()?;
    value.trim().parse().ok().map(|seconds: u64| Duration::from_secs(seconds.min(3600)))
}
