//! Codes that were mailed to users, each for one purpose and good once.

use std::time::Duration;

use sqlx::PgConnection;
use uuid::Uuid;

use super::code::Code;
use crate::problem::{Problem, Result, kinds};

/// Nobody gets more codes for one purpose within an hour: a stranger can ask for them.
const MOST_AN_HOUR: i64 = 5;

/// What a code is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    VerifyEmail,
    ResetPassword,
    ChangeEmail,
}

impl Purpose {
    fn word(self) -> &'static str {
        match self {
            Self::VerifyEmail => "verify-email",
            Self::ResetPassword => "reset-password",
            Self::ChangeEmail => "change-email",
        }
    }
}

/// Whom a code was mailed to.
pub(super) struct Mailed {
    pub(super) user: Uuid,
    pub(super) email: String,
}

/// Whether another code may be mailed now.
pub(super) async fn may_be_sent(
    connection: &mut PgConnection,
    user: Uuid,
    purpose: Purpose,
) -> std::result::Result<bool, sqlx::Error> {
    let sent = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM mailed_codes
           WHERE user_id = $1 AND purpose = $2 AND created_at > now() - interval '1 hour'"#,
        user,
        purpose.word()
    );
    Ok(sent.fetch_one(connection).await? < MOST_AN_HOUR)
}

/// Keeps a code that is about to be mailed to `email`.
pub(super) async fn keep(
    connection: &mut PgConnection,
    code: &Code,
    purpose: Purpose,
    user: Uuid,
    email: &str,
    life: Duration,
) -> std::result::Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO mailed_codes (hash, user_id, purpose, email, expires_at)
         VALUES ($1, $2, $3, $4, now() + make_interval(secs => $5))",
        &code.hash()[..],
        user,
        purpose.word(),
        email,
        life.as_secs_f64()
    )
    .execute(connection)
    .await
    .map(drop)
}

/// Whom this code was mailed to; 400 unless it is good.
pub(super) async fn find(connection: &mut PgConnection, typed: &str, purpose: Purpose) -> Result<Mailed> {
    let code = Code::read(typed).ok_or_else(invalid)?;
    let found = sqlx::query_as!(
        Mailed,
        "SELECT user_id AS user, email FROM mailed_codes WHERE hash = $1 AND purpose = $2 AND expires_at > now()",
        &code.hash()[..],
        purpose.word()
    );
    found.fetch_optional(connection).await?.ok_or_else(invalid)
}

/// The same, and uses the code up.
pub(super) async fn take(connection: &mut PgConnection, typed: &str, purpose: Purpose) -> Result<Mailed> {
    let code = Code::read(typed).ok_or_else(invalid)?;
    let taken = sqlx::query_as!(
        Mailed,
        "DELETE FROM mailed_codes WHERE hash = $1 AND purpose = $2 AND expires_at > now()
         RETURNING user_id AS user, email",
        &code.hash()[..],
        purpose.word()
    );
    taken.fetch_optional(connection).await?.ok_or_else(invalid)
}

/// Makes all of a user's codes useless.
pub(super) async fn withdraw_all(connection: &mut PgConnection, user: Uuid) -> std::result::Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM mailed_codes WHERE user_id = $1", user).execute(connection).await.map(drop)
}

/// Makes a user's codes for one purpose useless. They still count as sent.
pub(super) async fn withdraw(
    connection: &mut PgConnection,
    user: Uuid,
    purpose: Purpose,
) -> std::result::Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE mailed_codes SET expires_at = now() WHERE user_id = $1 AND purpose = $2 AND expires_at > now()",
        user,
        purpose.word()
    )
    .execute(connection)
    .await
    .map(drop)
}

/// Forgets codes that are over. For an hour they count as sent.
pub(super) async fn forget_old(connection: &mut PgConnection) -> std::result::Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM mailed_codes WHERE expires_at < now() AND created_at < now() - interval '1 hour'")
        .execute(connection)
        .await
        .map(drop)
}

/// 400: why is not told.
pub(super) fn invalid() -> Problem {
    Problem::new(&kinds::INVALID_CODE).detail("It is wrong, was used before, or is too old. Ask for a new one.")
}
