//! `DELETE …/uploads/{upload}`: tus, "Termination".

use axum::extract::State;
use http::StatusCode;
use uuid::Uuid;

use super::model::Upload;
use crate::access::{Permission, authorize};
use crate::app::AppState;
use crate::http::Path;
use crate::identity::Caller;
use crate::problem::{self, Result};

/// Give an upload up
///
/// What has arrived of it is forgotten. The file that it has become stays.
#[utoipa::path(
    delete,
    path = "/api/v1/workspaces/{workspace}/uploads/{upload}",
    operation_id = "uploads.end",
    tag = "files",
    security(("bearer" = [])),
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
        ("upload" = Uuid, Path, description = "The upload's id"),
        ("Tus-Resumable" = String, Header, description = "`1.0.0`"),
    ),
    responses(
        (status = NO_CONTENT, description = "It is over"),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup, problem::Conditional,
    ),
)]
pub async fn end(
    caller: Caller,
    State(app): State<AppState>,
    Path((workspace, id)): Path<(Uuid, Uuid)>,
) -> Result<StatusCode> {
    let mut tx = app.database.begin(&caller.scope().in_workspace(workspace)).await?;
    authorize(&mut tx, &caller, workspace, Permission::FilesWrite).await?;
    Upload::find(&mut tx, workspace, caller.user, id).await?;
    sqlx::query!("DELETE FROM uploads WHERE id = $1", id).execute(&mut *tx).await?;
    let content = sqlx::query!("UPDATE file_contents SET state = 'condemned' WHERE id = $1 AND state = 'arriving'", id);
    content.execute(&mut *tx).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
