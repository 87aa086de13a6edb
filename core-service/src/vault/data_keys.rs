//! Data keys in the database.

use serde::Serialize;
use sqlx::PgConnection;

use super::master::Wrapped;

/// A data key as it is stored.
pub(super) struct Row {
    pub(super) id: i32,
    pub(super) wrapped: Wrapped,
    pub(super) current: bool,
}

/// What an operator is told of a data key.
#[derive(Debug, Serialize)]
pub struct DataKey {
    /// Stands in everything that it encrypted.
    pub id: i32,
    /// The master key that wrapped it.
    pub master: String,
    /// When it was made, in Unix seconds.
    pub created_at: i64,
    /// Since when it encrypts nothing new, in Unix seconds.
    pub retired_at: Option<i64>,
    /// How many values it encrypted.
    pub values: i64,
}

/// Every data key.
pub(super) async fn all(connection: &mut PgConnection) -> Result<Vec<Row>, sqlx::Error> {
    let rows =
        sqlx::query!(r#"SELECT id, wrapped, master, retired_at IS NULL AS "current!" FROM data_keys ORDER BY id"#);
    let rows = rows.fetch_all(connection).await?;
    let read = rows.into_iter().map(|row| Row {
        id: row.id,
        wrapped: Wrapped { master: row.master, bytes: row.wrapped },
        current: row.current,
    });
    Ok(read.collect())
}

/// The same for people, with how much each is needed for.
pub(super) async fn told(connection: &mut PgConnection) -> Result<Vec<DataKey>, sqlx::Error> {
    sqlx::query_as!(
        DataKey,
        r#"SELECT id, master, extract(epoch FROM created_at)::bigint AS "created_at!",
                  extract(epoch FROM retired_at)::bigint AS retired_at,
                  (SELECT count(*) FROM sealed_values WHERE key_id = data_keys.id) AS "values!"
           FROM data_keys ORDER BY id"#
    )
    .fetch_all(connection)
    .await
}

/// Puts a new current key in the place of `old`; its id, unless another core was faster.
pub(super) async fn replace(
    connection: &mut PgConnection,
    old: Option<i32>,
    new: &Wrapped,
) -> Result<Option<i32>, sqlx::Error> {
    lock(connection).await?;
    let current = sqlx::query_scalar!("SELECT id FROM data_keys WHERE retired_at IS NULL");
    if current.fetch_optional(&mut *connection).await? != old {
        return Ok(None);
    }
    sqlx::query!("UPDATE data_keys SET retired_at = now() WHERE retired_at IS NULL").execute(&mut *connection).await?;
    sqlx::query_scalar!("INSERT INTO data_keys (wrapped, master) VALUES ($1, $2) RETURNING id", new.bytes, new.master)
        .fetch_one(connection)
        .await
        .map(Some)
}

/// Stores a key as another master key wrapped it.
pub(super) async fn rewrap(connection: &mut PgConnection, id: i32, new: &Wrapped) -> Result<(), sqlx::Error> {
    sqlx::query!("UPDATE data_keys SET wrapped = $2, master = $3 WHERE id = $1", id, new.bytes, new.master)
        .execute(connection)
        .await
        .map(drop)
}

/// Forgets keys that encrypted nothing that is still there. An hour after a key retired no core encrypts with it any more:
/// see [`super::Vault`].
pub(super) async fn forget_unused(connection: &mut PgConnection) -> Result<Vec<i32>, sqlx::Error> {
    sqlx::query_scalar!(
        "DELETE FROM data_keys WHERE retired_at < now() - interval '1 hour'
         AND NOT EXISTS (SELECT FROM sealed_values WHERE key_id = data_keys.id) RETURNING id"
    )
    .fetch_all(connection)
    .await
}

/// One at a time.
async fn lock(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    const DATA_KEYS: i64 = 0x6272_6561_6b64_6b65;
    sqlx::query!("SELECT pg_advisory_xact_lock($1)", DATA_KEYS).execute(connection).await.map(drop)
}
