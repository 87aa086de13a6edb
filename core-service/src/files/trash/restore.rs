//! `POST …/files/trash/{file}/restore`

use axum::extract::State;
use http::{HeaderName, HeaderValue, header};
use uuid::Uuid;

use crate::access::{Permission, authorize};
use crate::app::AppState;
use crate::files::model::{File, Row, name_taken};
use crate::http::{Json, Path, etag};
use crate::identity::Caller;
use crate::problem::{self, OnConstraint, Problem, Result};

/// Restore a deleted file
///
/// To the folder that it was in, or to the top if that is gone. If its name is taken there by now, it stays in the trash: `name-taken`.
#[utoipa::path(
    post,
    path = "/api/v1/workspaces/{workspace}/files/trash/{file}/restore",
    operation_id = "files.trash.restore",
    tag = "files",
    security(("bearer" = [])),
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
        ("file" = Uuid, Path, description = "The file's id"),
    ),
    responses(
        (status = OK, description = "The file", body = File, headers(("etag" = String, description = "Its version"))),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup, problem::Conflicting,
    ),
)]
pub async fn restore(
    caller: Caller,
    State(app): State<AppState>,
    Path((workspace, id)): Path<(Uuid, Uuid)>,
) -> Result<([(HeaderName, HeaderValue); 1], Json<File>)> {
    let mut tx = app.database.begin(&caller.scope().in_workspace(workspace)).await?;
    authorize(&mut tx, &caller, workspace, Permission::FilesWrite).await?;
    let restored = sqlx::query!(
        "UPDATE files f SET deleted_at = NULL, deleted_by = NULL, deleted_from = NULL, version = version + 1, updated_at = now(),
           updated_by = $3,
           folder_id = (SELECT o.id FROM folders o WHERE o.workspace_id = $1 AND o.id = f.deleted_from FOR KEY SHARE)
         WHERE f.workspace_id = $1 AND f.id = $2 AND f.deleted_at IS NOT NULL",
        workspace,
        id,
        caller.user
    );
    let restored = restored.execute(&mut *tx).await.on_constraint("files_name", name_taken)?;
    if restored.rows_affected() == 0 {
        return Err(Problem::not_found());
    }
    let file: File = Row::find(&mut tx, workspace, id).await?.into();
    tx.commit().await?;
    Ok(([(header::ETAG, etag(file.version))], Json(file)))
}
