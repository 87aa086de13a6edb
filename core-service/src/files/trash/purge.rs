//! `DELETE …/files/trash/{file}`

use axum::extract::State;
use http::StatusCode;
use uuid::Uuid;

use crate::access::{Permission, authorize};
use crate::app::AppState;
use crate::http::Path;
use crate::identity::Caller;
use crate::problem::{self, OnConstraint, Problem, Result, kinds};

/// Delete a file for good
///
/// A file in the trash, with all that was ever in it.
#[utoipa::path(
    delete,
    path = "/api/v1/workspaces/{workspace}/files/trash/{file}",
    operation_id = "files.trash.purge",
    tag = "files",
    security(("bearer" = [])),
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
        ("file" = Uuid, Path, description = "The file's id"),
    ),
    responses(
        (status = NO_CONTENT, description = "It is gone"),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup, problem::Conflicting,
    ),
)]
pub async fn purge(
    caller: Caller,
    State(app): State<AppState>,
    Path((workspace, id)): Path<(Uuid, Uuid)>,
) -> Result<StatusCode> {
    let mut tx = app.database.begin(&caller.scope().in_workspace(workspace)).await?;
    authorize(&mut tx, &caller, workspace, Permission::FilesWrite).await?;
    let gone =
        sqlx::query!("DELETE FROM files WHERE workspace_id = $1 AND id = $2 AND deleted_at IS NOT NULL", workspace, id);
    let gone = gone.execute(&mut *tx).await.on_constraint("files_held", || Problem::new(&kinds::FILE_HELD))?;
    if gone.rows_affected() == 0 {
        return Err(Problem::not_found());
    }
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
