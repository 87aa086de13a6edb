//! A mail on its way: asked for in a transaction, written and handed over by a worker.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::PgConnection;

use super::suppression;
use super::template::Template;
use super::transport::Envelope;
use crate::app::AppState;
use crate::events::{self, Failure, Job, NewJob, Outcome};

/// The queue of mails.
pub(super) const QUEUE: &str = "mail";

/// A mail to one person.
pub struct Letter<'a> {
    /// Their address.
    pub to: &'a str,
    /// Their language, as in [`super::template::language`].
    pub language: &'a str,
    /// What it says.
    pub template: Template,
    /// Why it is sent: there is one mail for one reason.
    pub reason: &'a str,
    /// The values of the template's names, all of them strings.
    pub data: Value,
}

/// A letter as it waits. What it says is sealed.
#[derive(Serialize, Deserialize)]
struct Waiting {
    to: String,
    language: String,
    template: Template,
    reason: String,
    data: String,
}

/// Asks for a mail. Whether it will be sent: `false` means that there was one for the same reason.
pub async fn send(connection: &mut PgConnection, app: &AppState, letter: Letter<'_>) -> anyhow::Result<bool> {
    let sealed = app.vault.seal(&about(letter.reason), letter.data.to_string().as_bytes())?;
    let waiting = Waiting {
        to: letter.to.to_owned(),
        language: letter.language.to_owned(),
        template: letter.template,
        reason: letter.reason.to_owned(),
        data: STANDARD.encode(sealed),
    };
    events::ask(connection, NewJob { queue: QUEUE, reason: Some(letter.reason), payload: &waiting }).await
}

/// One attempt at handing a mail over.
pub(super) async fn deliver(app: AppState, job: Job) -> Outcome {
    let letter: Waiting = job.payload()?;
    if suppression::is_suppressed(&app, &letter.to).await? {
        tracing::warn!(template = letter.template.name(), "a mail is not sent: its address bounced or complained");
        return Ok(());
    }
    let broken = |error: anyhow::Error| Failure::Final(error);
    let sealed = STANDARD.decode(&letter.data).map_err(|error| broken(error.into()))?;
    // Passing: the operator may put the right key back.
    let plain = app.vault.open(&about(&letter.reason), &sealed).map_err(anyhow::Error::from)?;
    let data: Value = serde_json::from_slice(&plain).map_err(|error| broken(error.into()))?;
    let content = letter.template.write(&letter.language, &app.config.mail.product, &data).map_err(broken)?;
    let envelope = Envelope { id: job.id, from: &app.config.mail.from, to: &letter.to, content };
    app.mail.transport.send(envelope).await?;
    tracing::info!(template = letter.template.name(), "a mail was handed over");
    Ok(())
}

/// What a letter's content is sealed for.
fn about(reason: &str) -> Vec<u8> {
    [b"mail:", reason.as_bytes()].concat()
}
