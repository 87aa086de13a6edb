//! `GET …/uploads/{upload}`, and `HEAD`: tus, "Core Protocol".

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use uuid::Uuid;

use super::model::Upload;
use crate::access::{Permission, authorize};
use crate::app::AppState;
use crate::http::{Json, Path};
use crate::identity::Caller;
use crate::problem::{self, Result};

/// See how far an upload has come
///
/// For who began it. `HEAD` answers the same in headers alone: `Upload-Offset` says where to go on.
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{workspace}/uploads/{upload}",
    operation_id = "uploads.get",
    tag = "files",
    security(("bearer" = [])),
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
        ("upload" = Uuid, Path, description = "The upload's id"),
    ),
    responses(
        (status = OK, description = "The upload", body = Upload, headers(
            ("upload-offset" = i64, description = "How many bytes are there"),
            ("upload-length" = i64, description = "How many it has when it is whole"),
        )),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup,
    ),
)]
pub async fn get(
    caller: Caller,
    State(app): State<AppState>,
    Path((workspace, id)): Path<(Uuid, Uuid)>,
) -> Result<Response> {
    let mut tx = app.database.begin_read(&caller.scope().in_workspace(workspace)).await?;
    authorize(&mut tx, &caller, workspace, Permission::FilesWrite).await?;
    let upload = Upload::find(&mut tx, workspace, caller.user, id).await?;
    Ok((&upload, Json(&upload)).into_response())
}
