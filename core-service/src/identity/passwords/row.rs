//! A user's password in the database.

use sqlx::PgConnection;
use uuid::Uuid;

/// The hash of a user's password.
pub(in crate::identity) async fn find(
    connection: &mut PgConnection,
    user: Uuid,
) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar!("SELECT hash FROM passwords WHERE user_id = $1", user).fetch_optional(connection).await
}

/// The same, locked until the transaction ends.
pub(in crate::identity) async fn lock(
    connection: &mut PgConnection,
    user: Uuid,
) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar!("SELECT hash FROM passwords WHERE user_id = $1 FOR UPDATE", user)
        .fetch_optional(connection)
        .await
}

/// Sets a new password.
pub(in crate::identity) async fn replace(
    connection: &mut PgConnection,
    user: Uuid,
    hash: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO passwords (user_id, hash) VALUES ($1, $2)
         ON CONFLICT (user_id) DO UPDATE SET hash = excluded.hash, changed_at = now()",
        user,
        hash
    )
    .execute(connection)
    .await
    .map(drop)
}

/// Puts a stronger hash of the same password in place of `weaker`, unless there is another password by now.
pub(in crate::identity) async fn strengthen(
    connection: &mut PgConnection,
    user: Uuid,
    weaker: &str,
    stronger: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query!("UPDATE passwords SET hash = $3 WHERE user_id = $1 AND hash = $2", user, weaker, stronger)
        .execute(connection)
        .await
        .map(drop)
}
