//! Passkeys in the database.

use serde::Serialize;
use sqlx::PgConnection;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use super::ceremony::NewCredential;

/// A passkey, as its user sees it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Passkey {
    /// Its id.
    pub(super) id: Uuid,
    /// What its user calls it.
    pub(super) name: String,
    /// Since when it is there.
    #[serde(with = "time::serde::rfc3339")]
    pub(super) created_at: OffsetDateTime,
    /// When it was last used.
    #[serde(with = "time::serde::rfc3339::option")]
    #[schema(required = true)]
    pub(super) used_at: Option<OffsetDateTime>,
}

/// What is needed to check a signature.
pub(super) struct Known {
    pub(super) id: Uuid,
    pub(super) user: Uuid,
    pub(super) public_key: Vec<u8>,
    pub(super) sign_count: i64,
}

/// Inserts a passkey. One that is there already breaks the constraint `passkeys_credential_key`.
pub(super) async fn insert(
    connection: &mut PgConnection,
    user: Uuid,
    name: &str,
    new: &NewCredential<'_>,
    sign_count: u32,
) -> Result<Passkey, sqlx::Error> {
    sqlx::query_as!(
        Passkey,
        "INSERT INTO passkeys (id, user_id, credential, public_key, sign_count, name) VALUES ($1, $2, $3, $4, $5, $6)
         RETURNING id, name, created_at, used_at",
        Uuid::now_v7(),
        user,
        new.id,
        new.key,
        i64::from(sign_count),
        name
    )
    .fetch_one(connection)
    .await
}

/// The passkey of this name among authenticators, locked until the transaction ends.
pub(super) async fn lock(connection: &mut PgConnection, credential: &[u8]) -> Result<Option<Known>, sqlx::Error> {
    sqlx::query_as!(
        Known,
        "SELECT id, user_id AS user, public_key, sign_count FROM passkeys WHERE credential = $1 FOR UPDATE",
        credential
    )
    .fetch_optional(connection)
    .await
}

/// Notes that it was used.
pub(super) async fn used(connection: &mut PgConnection, id: Uuid, sign_count: u32) -> Result<(), sqlx::Error> {
    sqlx::query!("UPDATE passkeys SET used_at = now(), sign_count = $2 WHERE id = $1", id, i64::from(sign_count))
        .execute(connection)
        .await
        .map(drop)
}

/// What authenticators call a user's passkeys.
pub(super) async fn credentials(connection: &mut PgConnection, user: Uuid) -> Result<Vec<Vec<u8>>, sqlx::Error> {
    sqlx::query_scalar!("SELECT credential FROM passkeys WHERE user_id = $1", user).fetch_all(connection).await
}

/// A user's passkeys, oldest first.
pub(super) async fn list(
    connection: &mut PgConnection,
    user: Uuid,
    after: Option<Uuid>,
    most: i64,
) -> Result<Vec<Passkey>, sqlx::Error> {
    sqlx::query_as!(
        Passkey,
        "SELECT id, name, created_at, used_at FROM passkeys
         WHERE user_id = $1 AND ($2::uuid IS NULL OR id > $2) ORDER BY id LIMIT $3",
        user,
        after,
        most
    )
    .fetch_all(connection)
    .await
}

/// Removes one of a user's passkeys; whether it was there.
pub(super) async fn remove(connection: &mut PgConnection, user: Uuid, id: Uuid) -> Result<bool, sqlx::Error> {
    let removed = sqlx::query!("DELETE FROM passkeys WHERE id = $1 AND user_id = $2", id, user);
    Ok(removed.execute(connection).await?.rows_affected() > 0)
}
