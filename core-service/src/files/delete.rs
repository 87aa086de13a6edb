//! `DELETE /api/v1/workspaces/{workspace}/files/{file}`

use axum::extract::State;
use http::StatusCode;
use uuid::Uuid;

use super::model::lock;
use crate::access::{Permission, authorize};
use crate::app::AppState;
use crate::http::{IfMatch, Path};
use crate::identity::Caller;
use crate::problem::{self, Problem, Result, kinds};

/// Delete a file
///
/// It lies in the trash for `files.trash_days`, from where it can be restored. A file that a document names is not deleted.
#[utoipa::path(
    delete,
    path = "/api/v1/workspaces/{workspace}/files/{file}",
    operation_id = "files.delete",
    tag = "files",
    security(("bearer" = [])),
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
        ("file" = Uuid, Path, description = "The file's id"),
        ("If-Match" = Option<String>, Header, description = "The version that is to be deleted"),
    ),
    responses(
        (status = NO_CONTENT, description = "It is in the trash"),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup, problem::Conflicting,
        problem::Conditional,
    ),
)]
pub async fn delete(
    caller: Caller,
    State(app): State<AppState>,
    Path((workspace, id)): Path<(Uuid, Uuid)>,
    if_match: IfMatch,
) -> Result<StatusCode> {
    let mut tx = app.database.begin(&caller.scope().in_workspace(workspace)).await?;
    authorize(&mut tx, &caller, workspace, Permission::FilesWrite).await?;
    let locked = lock(&mut tx, workspace, id).await?;
    if_match.check(locked.version)?;
    if locked.held {
        return Err(Problem::new(&kinds::FILE_HELD));
    }
    // Who names it has locked it before, or waits: with the lock, this stays true.
    let named = sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM document_files WHERE file_id = $1"#, id);
    let named = named.fetch_one(&mut *tx).await?;
    if named > 0 {
        let detail = format!("{named} documents name this file.");
        return Err(Problem::new(&kinds::STILL_REFERENCED).detail(detail));
    }
    sqlx::query!(
        "UPDATE files SET deleted_at = now(), deleted_by = $2, deleted_from = folder_id, folder_id = NULL WHERE id = $1",
        id,
        caller.user
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
