//! What stands between the right password and the second factor.

use std::time::Duration;

use sqlx::PgConnection;
use uuid::Uuid;

use crate::identity::opaque::Opaque;
use crate::problem::{Problem, Result, kinds};

const LIFE: Duration = Duration::from_secs(600);

/// A challenge for somebody who has given the right password.
pub(super) async fn begin(connection: &mut PgConnection, user: Uuid) -> Result<(Opaque, Duration)> {
    let token = Opaque::new().map_err(Problem::internal)?;
    sqlx::query!(
        "INSERT INTO mfa_challenges (hash, user_id, expires_at) VALUES ($1, $2, now() + make_interval(secs => $3))",
        &token.hash()[..],
        user,
        LIFE.as_secs_f64()
    )
    .execute(connection)
    .await?;
    Ok((token, LIFE))
}

/// Whose challenge it is; 401 unless it is good.
pub(super) async fn find(connection: &mut PgConnection, token: &str) -> Result<Uuid> {
    let token = Opaque::read(token).ok_or_else(over)?;
    let user = sqlx::query_scalar!(
        "SELECT user_id FROM mfa_challenges WHERE hash = $1 AND expires_at > now()",
        &token.hash()[..]
    );
    user.fetch_optional(connection).await?.ok_or_else(over)
}

/// Uses it up; 401 if somebody else did.
pub(super) async fn take(connection: &mut PgConnection, token: &str) -> Result<()> {
    let token = Opaque::read(token).ok_or_else(over)?;
    let taken = sqlx::query!("DELETE FROM mfa_challenges WHERE hash = $1 AND expires_at > now()", &token.hash()[..]);
    if taken.execute(connection).await?.rows_affected() > 0 { Ok(()) } else { Err(over()) }
}

/// Ends all of a user's challenges: the password that they were given for is another now.
pub(in crate::identity) async fn withdraw_all(
    connection: &mut PgConnection,
    user: Uuid,
) -> std::result::Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM mfa_challenges WHERE user_id = $1", user).execute(connection).await.map(drop)
}

pub(super) async fn forget_old(connection: &mut PgConnection) -> std::result::Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM mfa_challenges WHERE expires_at < now()").execute(connection).await.map(drop)
}

fn over() -> Problem {
    Problem::unauthorized(&kinds::INVALID_CHALLENGE).detail("Sign in again with the password.")
}
