//! Registrations that wait for proof of their address. Whether the address has an account already is found out by a
//! worker, after the answer: the answer, and the time that it takes, are the same for every address.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::code::Code;
use super::letters::{self, Page, Reader};
use crate::app::AppState;
use crate::database::Scope;
use crate::events::{self, Job, NewJob, Outcome};
use crate::mail::Template;

pub(super) const QUEUE: &str = "identity.registered";

/// No address gets more mails for registrations within an hour.
const MOST_AN_HOUR: i64 = 5;

/// A registration to be kept.
pub(super) struct New<'a> {
    pub(super) email: &'a str,
    pub(super) display_name: Option<&'a str>,
    pub(super) language: &'a str,
    pub(super) password_hash: &'a str,
    pub(super) life: Duration,
}

/// One whose code came back.
pub(super) struct Pending {
    pub(super) id: Uuid,
    pub(super) email: String,
    pub(super) display_name: Option<String>,
    pub(super) language: String,
    pub(super) password_hash: String,
}

#[derive(Serialize, Deserialize)]
struct Asked {
    registration: Uuid,
}

/// Keeps a registration and has a worker write to its address.
pub(super) async fn keep(connection: &mut PgConnection, new: New<'_>) -> anyhow::Result<()> {
    let id = Uuid::now_v7();
    sqlx::query!(
        "INSERT INTO registrations (id, email, display_name, language, password_hash, expires_at)
         VALUES ($1, $2, $3, $4, $5, now() + make_interval(secs => $6))",
        id,
        new.email,
        new.display_name,
        new.language,
        new.password_hash,
        new.life.as_secs_f64()
    )
    .execute(&mut *connection)
    .await?;
    let asked = Asked { registration: id };
    events::ask(connection, NewJob { queue: QUEUE, reason: None, payload: &asked }).await.map(drop)
}

/// Writes what is due: a code, or that there is an account already.
pub(super) async fn answer(app: AppState, job: Job) -> Outcome {
    let Asked { registration } = job.payload()?;
    let mut tx = app.database.begin(&Scope::identity()).await?;
    // Several may be asked for at once: they are counted one after the other.
    sqlx::query!(
        "SELECT pg_advisory_xact_lock(hashtext('registration'), hashtext(email)) FROM registrations WHERE id = $1",
        registration
    )
    .fetch_optional(&mut *tx)
    .await?;
    let row = sqlx::query!(
        r#"SELECT r.email, r.language, u.language AS "user_language?",
                  (SELECT count(*) FROM registrations o WHERE o.email = r.email AND o.code_hash IS NOT NULL
                     AND o.created_at > now() - interval '1 hour') AS "sent!"
           FROM registrations r LEFT JOIN users u ON u.email = r.email
           WHERE r.id = $1 AND r.code_hash IS NULL FOR UPDATE OF r"#,
        registration
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(row) = row else { return Ok(()) };
    if let Some(language) = &row.user_language {
        sqlx::query!("DELETE FROM registrations WHERE id = $1", registration).execute(&mut *tx).await?;
        letters::already_registered(&mut tx, &app, Reader { email: &row.email, language }).await?;
    } else if row.sent < MOST_AN_HOUR {
        let code = Code::new().map_err(anyhow::Error::from)?;
        sqlx::query!("UPDATE registrations SET code_hash = $2 WHERE id = $1", registration, &code.hash()[..])
            .execute(&mut *tx)
            .await?;
        let hours = app.config.identity.verification_life.as_secs() / 3600;
        let data = json!({
            "link": Page::VerifyEmail.link(&app, Some(&code)), "code": code.text(), "hours": hours.to_string(),
        });
        let reader = Reader { email: &row.email, language: &row.language };
        let reason = format!("registration {registration}");
        letters::write(&mut tx, &app, reader, Template::VerifyEmail, &reason, data).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// The registration that a code belongs to.
pub(super) async fn find(connection: &mut PgConnection, code: &Code) -> Result<Option<Pending>, sqlx::Error> {
    sqlx::query_as!(
        Pending,
        "SELECT id, email, display_name, language, password_hash FROM registrations
         WHERE code_hash = $1 AND expires_at > now()",
        &code.hash()[..]
    )
    .fetch_optional(connection)
    .await
}

/// Uses a registration up, and with it all others of its address; whether it was still there.
pub(super) async fn take(connection: &mut PgConnection, pending: &Pending) -> Result<bool, sqlx::Error> {
    // All of them first, in one order: two may be used up at the same time.
    let there =
        sqlx::query_scalar!("SELECT id FROM registrations WHERE email = $1 ORDER BY id FOR UPDATE", pending.email)
            .fetch_all(&mut *connection)
            .await?;
    sqlx::query!("DELETE FROM registrations WHERE email = $1", pending.email).execute(connection).await?;
    Ok(there.contains(&pending.id))
}

/// Forgets registrations that nobody confirmed.
pub(super) async fn forget_old(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM registrations WHERE expires_at < now()").execute(connection).await.map(drop)
}
