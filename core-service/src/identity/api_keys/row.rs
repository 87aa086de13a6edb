//! Keys in the database.

use serde::Serialize;
use sqlx::PgConnection;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use super::new::Settings;
use super::text::Key;

/// An API key, without the key itself.
#[derive(Debug, Serialize, ToSchema)]
pub struct ApiKey {
    /// Its id.
    pub id: Uuid,
    /// What its owner calls it.
    #[schema(example = "Nightly import")]
    pub name: String,
    /// How the key begins, to know it again.
    #[schema(example = "bwk_7Rk2")]
    pub hint: String,
    /// All that it allows, if its owner may do it; null if it allows whatever its owner may do.
    #[schema(required = true)]
    pub permissions: Option<Vec<String>>,
    /// The networks that it is good from; none means all.
    pub addresses: Vec<String>,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// When it ends.
    #[serde(with = "time::serde::rfc3339")]
    pub expires_at: OffsetDateTime,
    /// When it was last used, to the minute.
    #[serde(with = "time::serde::rfc3339::option")]
    #[schema(required = true)]
    pub last_used_at: Option<OffsetDateTime>,
    /// Where from.
    #[schema(required = true)]
    pub last_used_from: Option<String>,
}

/// Makes a key of `owner`'s.
pub(super) async fn insert(
    connection: &mut PgConnection,
    key: &Key,
    owner: Uuid,
    maker: Uuid,
    settings: &Settings,
) -> Result<ApiKey, sqlx::Error> {
    sqlx::query_as!(
        ApiKey,
        "INSERT INTO api_keys (id, hash, user_id, name, hint, permissions, addresses, mfa, expires_at, created_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         RETURNING id, name, hint, permissions, addresses, created_at, expires_at, last_used_at, last_used_from",
        Uuid::now_v7(),
        &key.hash()[..],
        owner,
        settings.name,
        key.hint(),
        settings.permissions.as_deref(),
        &settings.addresses[..],
        settings.mfa,
        settings.expires_at,
        maker
    )
    .fetch_one(connection)
    .await
}

/// The keys of `owner`, the oldest first, after `after`. Those that ended are there for a while.
pub(crate) async fn of_user(
    connection: &mut PgConnection,
    owner: Uuid,
    after: Option<Uuid>,
    most: i64,
) -> Result<Vec<ApiKey>, sqlx::Error> {
    sqlx::query_as!(
        ApiKey,
        "SELECT id, name, hint, permissions, addresses, created_at, expires_at, last_used_at, last_used_from
         FROM api_keys WHERE user_id = $1 AND ($2::uuid IS NULL OR id > $2) ORDER BY id LIMIT $3",
        owner,
        after,
        most
    )
    .fetch_all(connection)
    .await
}

/// A living key of `owner`'s, locked until the transaction ends.
pub(super) async fn lock(connection: &mut PgConnection, owner: Uuid, id: Uuid) -> Result<Option<ApiKey>, sqlx::Error> {
    sqlx::query_as!(
        ApiKey,
        "SELECT id, name, hint, permissions, addresses, created_at, expires_at, last_used_at, last_used_from
         FROM api_keys WHERE user_id = $1 AND id = $2 AND expires_at > now() FOR UPDATE",
        owner,
        id
    )
    .fetch_optional(connection)
    .await
}

/// Lets a key end so many seconds from now, unless it ends sooner.
pub(super) async fn end_in(connection: &mut PgConnection, id: Uuid, seconds: u32) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE api_keys SET expires_at = least(expires_at, now() + make_interval(secs => $2)) WHERE id = $1",
        id,
        f64::from(seconds)
    )
    .execute(connection)
    .await
    .map(drop)
}

/// Ends a key of `owner`'s at once; its name, if there was one.
pub(crate) async fn delete(
    connection: &mut PgConnection,
    owner: Uuid,
    id: Uuid,
) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar!("DELETE FROM api_keys WHERE user_id = $1 AND id = $2 RETURNING name", owner, id)
        .fetch_optional(connection)
        .await
}

/// Forgets keys that ended a while ago.
pub(crate) async fn forget_old(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM api_keys WHERE expires_at < now() - interval '30 days'")
        .execute(connection)
        .await
        .map(drop)
}
