//! Tickets: who is back from a provider, and has not said yet what for. Good once, shortly, and in one browser.

use std::time::Duration;

use http::HeaderMap;
use sqlx::PgConnection;
use uuid::Uuid;

use super::Told;
use crate::app::AppState;
use crate::identity::cookies;
use crate::identity::opaque::Opaque;
use crate::problem::{Problem, Result, kinds};

/// As long as the app's page may take to load.
const LIFE: Duration = Duration::from_secs(300);

/// What a ticket stands for.
pub(super) struct Ticket {
    pub(super) provider: String,
    pub(super) told: Told,
}

/// Keeps what a provider said; the ticket for it.
pub(super) async fn keep(
    connection: &mut PgConnection,
    browser: &Opaque,
    user: Option<Uuid>,
    provider: &str,
    told: &Told,
) -> Result<String> {
    let ticket = Opaque::new().map_err(Problem::internal)?;
    sqlx::query!(
        "INSERT INTO provider_tickets
           (hash, browser, user_id, provider, issuer, subject, email, email_vouched, name, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, now() + make_interval(secs => $10))",
        &ticket.hash()[..],
        &browser.hash()[..],
        user,
        provider,
        told.issuer,
        told.subject,
        told.email,
        told.email_vouched,
        told.name,
        LIFE.as_secs_f64()
    )
    .execute(connection)
    .await?;
    Ok(ticket.text())
}

/// Uses a ticket up: one to sign in with, or of `user` to link with. 400 unless it is good in this browser.
pub(super) async fn take(
    connection: &mut PgConnection,
    app: &AppState,
    headers: &HeaderMap,
    ticket: &str,
    user: Option<Uuid>,
) -> Result<Ticket> {
    let browser = cookies::FLOW.read(app, headers).and_then(|cookie| Opaque::read(&cookie)).ok_or_else(over)?;
    let ticket = Opaque::read(ticket).ok_or_else(over)?;
    let row = sqlx::query!(
        "DELETE FROM provider_tickets
         WHERE hash = $1 AND browser = $2 AND user_id IS NOT DISTINCT FROM $3 AND expires_at > now()
         RETURNING provider, issuer, subject, email, email_vouched, name",
        &ticket.hash()[..],
        &browser.hash()[..],
        user
    )
    .fetch_optional(connection)
    .await?
    .ok_or_else(over)?;
    let told = Told {
        issuer: row.issuer,
        subject: row.subject,
        email: row.email,
        email_vouched: row.email_vouched,
        name: row.name,
    };
    Ok(Ticket { provider: row.provider, told })
}

pub(super) async fn forget_old(connection: &mut PgConnection) -> std::result::Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM provider_tickets WHERE expires_at < now()").execute(connection).await.map(drop)
}

fn over() -> Problem {
    Problem::new(&kinds::INVALID_CODE).detail("Begin again with the provider, in this browser.")
}
