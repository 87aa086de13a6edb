//! A user's second factors in the database.

use sqlx::PgConnection;
use uuid::Uuid;

use super::totp;
use crate::app::AppState;
use crate::problem::Result;
use crate::vault::{Batch, ROUND, Ring};

/// What a user has.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::identity) struct Factors {
    pub(super) totp: bool,
    pub(super) email: bool,
    pub(super) passkeys: i64,
    pub(super) recovery_codes: i64,
}

impl Factors {
    /// Whether signing in demands one.
    pub(in crate::identity) fn any(&self) -> bool {
        self.totp || self.email || self.passkeys > 0
    }

    /// How one can be given.
    pub(super) fn methods(&self) -> Vec<&'static str> {
        let methods = [
            // Not for auth/mfa: a passkey signs in alone.
            (self.passkeys > 0, "passkey"),
            (self.totp, "totp"),
            (self.email, "email"),
            (self.recovery_codes > 0, "recovery-code"),
        ];
        methods.into_iter().filter(|(has, _)| *has).map(|(_, method)| method).collect()
    }
}

/// What `user` has, as far as it is confirmed.
pub(in crate::identity) async fn of_user(
    connection: &mut PgConnection,
    user: Uuid,
) -> std::result::Result<Factors, sqlx::Error> {
    sqlx::query_as!(
        Factors,
        r#"SELECT coalesce(bool_or(kind = 'totp'), false) AS "totp!", coalesce(bool_or(kind = 'email'), false) AS "email!",
                  (SELECT count(*) FROM passkeys WHERE user_id = $1) AS "passkeys!",
                  (SELECT count(*) FROM recovery_codes WHERE user_id = $1) AS "recovery_codes!"
           FROM second_factors WHERE user_id = $1 AND confirmed_at IS NOT NULL"#,
        user
    )
    .fetch_one(connection)
    .await
}

/// Keeps a new seed, which a code has to confirm; false if there is a confirmed one.
pub(super) async fn keep_totp(connection: &mut PgConnection, app: &AppState, user: Uuid, seed: &[u8]) -> Result<bool> {
    let sealed = app.vault.seal(&about(user), seed).await?;
    let kept = sqlx::query!(
        "INSERT INTO second_factors (user_id, kind, seed) VALUES ($1, 'totp', $2)
         ON CONFLICT (user_id, kind) DO UPDATE SET seed = excluded.seed, created_at = now(), last_step = 0
         WHERE second_factors.confirmed_at IS NULL",
        user,
        sealed
    )
    .execute(connection)
    .await?;
    Ok(kept.rows_affected() > 0)
}

/// Whether `code` is of the user's confirmed app; its step is used up.
pub(super) async fn take_totp(connection: &mut PgConnection, app: &AppState, user: Uuid, code: &str) -> Result<bool> {
    take(connection, app, user, code, true).await
}

/// The same for an app that is to be confirmed, which it is then.
pub(super) async fn confirm_totp(
    connection: &mut PgConnection,
    app: &AppState,
    user: Uuid,
    code: &str,
) -> Result<bool> {
    take(connection, app, user, code, false).await
}

async fn take(connection: &mut PgConnection, app: &AppState, user: Uuid, code: &str, confirmed: bool) -> Result<bool> {
    let row = sqlx::query!(
        r#"SELECT seed AS "seed!", last_step, extract(epoch FROM clock_timestamp())::bigint AS "now!"
           FROM second_factors
           WHERE user_id = $1 AND kind = 'totp' AND (confirmed_at IS NOT NULL) = $2 FOR UPDATE"#,
        user,
        confirmed
    )
    .fetch_optional(&mut *connection)
    .await?;
    let Some(row) = row else { return Ok(false) };
    let seed = app.vault.open(&about(user), &row.seed).await?;
    let Some(step) = totp::step_of(&seed, code, row.now, row.last_step) else { return Ok(false) };
    sqlx::query!(
        "UPDATE second_factors SET last_step = $2, confirmed_at = coalesce(confirmed_at, now())
         WHERE user_id = $1 AND kind = 'totp'",
        user,
        step
    )
    .execute(connection)
    .await?;
    Ok(true)
}

/// Lets the user's address be a factor; false if it is one.
pub(super) async fn add_email(connection: &mut PgConnection, user: Uuid) -> std::result::Result<bool, sqlx::Error> {
    let added = sqlx::query!(
        "INSERT INTO second_factors (user_id, kind, confirmed_at) VALUES ($1, 'email', now()) ON CONFLICT DO NOTHING",
        user
    );
    Ok(added.execute(connection).await?.rows_affected() > 0)
}

/// Removes a factor; whether it was there.
pub(super) async fn remove(
    connection: &mut PgConnection,
    user: Uuid,
    kind: &str,
) -> std::result::Result<bool, sqlx::Error> {
    let removed = sqlx::query!("DELETE FROM second_factors WHERE user_id = $1 AND kind = $2", user, kind);
    Ok(removed.execute(connection).await?.rows_affected() > 0)
}

/// Encrypts some seeds anew: see [`Batch`].
pub(crate) async fn reseal(connection: &mut PgConnection, ring: &Ring, after: Uuid) -> anyhow::Result<Batch<Uuid>> {
    let rows = sqlx::query!(
        r#"SELECT user_id, seed AS "seed!" FROM second_factors
           WHERE user_id > $1 AND kind = 'totp' AND breakwater_sealed_with(seed) IS DISTINCT FROM $2
           ORDER BY user_id LIMIT $3 FOR UPDATE"#,
        after,
        ring.current(),
        ROUND
    )
    .fetch_all(&mut *connection)
    .await?;
    let batch = Batch::of(ring, rows.into_iter().map(|row| (row.user_id, about(row.user_id), row.seed)))?;
    sqlx::query!(
        "UPDATE second_factors SET seed = new.seed FROM unnest($1::uuid[], $2::bytea[]) AS new (user_id, seed)
         WHERE second_factors.user_id = new.user_id AND kind = 'totp'",
        &batch.keys,
        &batch.sealed
    )
    .execute(connection)
    .await?;
    Ok(batch)
}

/// What a seed is sealed for.
fn about(user: Uuid) -> Vec<u8> {
    [&b"totp:"[..], user.as_bytes()].concat()
}
