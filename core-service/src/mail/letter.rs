//! A mail on its way: asked for in a transaction, written and handed over by a worker.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::suppression;
use super::template::Template;
use super::transport::Envelope;
use crate::app::AppState;
use crate::events::{self, Failure, Job, NewJob, Outcome};
use crate::vault::{Batch, ROUND, Ring};

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
    let sealed = app.vault.seal(&about(letter.reason), letter.data.to_string().as_bytes()).await?;
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
    let plain = app.vault.open(&about(&letter.reason), &sealed).await?;
    let data: Value = serde_json::from_slice(&plain).map_err(|error| broken(error.into()))?;
    let content = letter.template.write(&letter.language, &app.config.mail.product, &data).map_err(broken)?;
    let envelope = Envelope { id: job.id, from: &app.config.mail.from, to: &letter.to, content };
    app.mail.transport.send(envelope).await?;
    tracing::info!(template = letter.template.name(), "a mail was handed over");
    Ok(())
}

/// Encrypts some waiting letters anew: see [`Batch`].
pub(crate) async fn reseal(connection: &mut PgConnection, ring: &Ring, after: Uuid) -> anyhow::Result<Batch<Uuid>> {
    let rows = sqlx::query!(
        r#"SELECT id, payload ->> 'reason' AS "reason!", payload ->> 'data' AS "data!" FROM jobs
           WHERE id > $1 AND queue = 'mail' AND payload ? 'data'
             AND breakwater_sealed_with(decode(payload ->> 'data', 'base64')) IS DISTINCT FROM $2
           ORDER BY id LIMIT $3 FOR UPDATE"#,
        after,
        ring.current(),
        ROUND
    )
    .fetch_all(&mut *connection)
    .await?;
    let rows: Vec<_> = rows
        .into_iter()
        .map(|row| Ok((row.id, about(&row.reason), STANDARD.decode(&row.data)?)))
        .collect::<anyhow::Result<_>>()?;
    let batch = Batch::of(ring, rows)?;
    let data: Vec<_> = batch.sealed.iter().map(|sealed| STANDARD.encode(sealed)).collect();
    sqlx::query!(
        "UPDATE jobs SET payload = jsonb_set(payload, '{data}', to_jsonb(new.data))
         FROM unnest($1::uuid[], $2::text[]) AS new (id, data) WHERE jobs.id = new.id",
        &batch.keys,
        &data
    )
    .execute(connection)
    .await?;
    Ok(batch)
}

/// What a letter's content is sealed for.
fn about(reason: &str) -> Vec<u8> {
    [b"mail:", reason.as_bytes()].concat()
}
