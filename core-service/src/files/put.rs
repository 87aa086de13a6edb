//! Makes a file of content that has arrived, or a new version of one.

use sqlx::PgConnection;
use uuid::Uuid;

use super::folders;
use super::model::{File, Row, lock, misplaced, name_taken};
use super::receive::Received;
use super::versions;
use crate::app::AppState;
use crate::http::IfMatch;
use crate::identity::Caller;
use crate::problem::Result;

/// Where a new file goes.
pub(super) struct Place<'a> {
    pub(super) name: &'a str,
    pub(super) folder: Option<Uuid>,
}

impl Place<'_> {
    /// Whether the folder is there and the name free, so far.
    pub(super) async fn look_at(&self, tx: &mut PgConnection, workspace: Uuid) -> Result<()> {
        if let Some(folder) = self.folder {
            folders::find(tx, workspace, folder).await?;
        }
        let taken = sqlx::query_scalar!(
            r#"SELECT EXISTS (SELECT FROM files WHERE workspace_id = $1 AND place = $2 AND name = $3
                              AND deleted_at IS NULL) AS "taken!""#,
            workspace,
            self.folder.unwrap_or(workspace),
            self.name
        );
        if taken.fetch_one(tx).await? { Err(name_taken()) } else { Ok(()) }
    }
}

/// Makes a file of it.
pub(super) async fn file(
    app: &AppState,
    tx: &mut PgConnection,
    caller: &Caller,
    workspace: Uuid,
    place: Place<'_>,
    received: &Received,
) -> Result<File> {
    let id = Uuid::now_v7();
    let insert = sqlx::query!(
        "INSERT INTO files (id, workspace_id, folder_id, name, created_by, updated_by) VALUES ($1, $2, $3, $4, $5, $5)",
        id,
        workspace,
        place.folder,
        place.name,
        caller.user
    );
    insert.execute(&mut *tx).await.map_err(misplaced)?;
    received.keep(app, tx, workspace).await?;
    versions::add(tx, workspace, id, 1, received.id, caller.user).await?;
    Ok(Row::find(tx, workspace, id).await?.into())
}

/// Makes it the newest content of a file.
pub(super) async fn version(
    app: &AppState,
    tx: &mut PgConnection,
    caller: &Caller,
    (workspace, file): (Uuid, Uuid),
    if_match: &IfMatch,
    received: &Received,
) -> Result<File> {
    let locked = lock(tx, workspace, file).await?;
    if_match.check(locked.version)?;
    received.keep(app, tx, workspace).await?;
    versions::put(tx, workspace, file, locked.content + 1, received.id, caller.user).await?;
    Ok(Row::find(tx, workspace, file).await?.into())
}
