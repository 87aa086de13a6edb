//! The users that service accounts are: nothing but an id, which roles, teams, grants and keys hang on.

use sqlx::PgConnection;
use uuid::Uuid;

/// Makes one that belongs to `workspace`; its id. The transaction's user manages members there.
pub(crate) async fn new_service_user(connection: &mut PgConnection, workspace: Uuid) -> Result<Uuid, sqlx::Error> {
    let id = Uuid::now_v7();
    sqlx::query!("INSERT INTO users (id, service_of) VALUES ($1, $2)", id, workspace).execute(connection).await?;
    Ok(id)
}

/// Deletes one, and with it all that hangs on it.
pub(crate) async fn delete_service_user(
    connection: &mut PgConnection,
    workspace: Uuid,
    id: Uuid,
) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM users WHERE id = $1 AND service_of = $2", id, workspace)
        .execute(connection)
        .await
        .map(drop)
}
