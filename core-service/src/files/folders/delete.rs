//! `DELETE /api/v1/workspaces/{workspace}/folders/{folder}`

use axum::extract::State;
use http::StatusCode;
use uuid::Uuid;

use crate::access::{Permission, authorize};
use crate::app::AppState;
use crate::http::{IfMatch, Path};
use crate::identity::Caller;
use crate::problem::{self, Problem, Result, kinds};

/// Delete an empty folder
#[utoipa::path(
    delete,
    path = "/api/v1/workspaces/{workspace}/folders/{folder}",
    operation_id = "folders.delete",
    tag = "files",
    security(("bearer" = [])),
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
        ("folder" = Uuid, Path, description = "The folder's id"),
        ("If-Match" = Option<String>, Header, description = "The version that is to be deleted"),
    ),
    responses(
        (status = NO_CONTENT, description = "It is gone"),
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
    // Locked, nothing is put into it. What is in it is looked at after that, and not with the lock.
    let folder = sqlx::query_scalar!(
        "SELECT version FROM folders WHERE workspace_id = $1 AND id = $2 FOR UPDATE",
        workspace,
        id
    );
    if_match.check(folder.fetch_optional(&mut *tx).await?.ok_or_else(Problem::not_found)?)?;
    let deleted = sqlx::query!(
        "DELETE FROM folders WHERE id = $1
         AND NOT EXISTS (SELECT FROM folders WHERE workspace_id = $2 AND parent_id = $1)
         AND NOT EXISTS (SELECT FROM files WHERE workspace_id = $2 AND folder_id = $1)",
        id,
        workspace
    );
    if deleted.execute(&mut *tx).await?.rows_affected() == 0 {
        return Err(Problem::new(&kinds::FOLDER_NOT_EMPTY));
    }
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
