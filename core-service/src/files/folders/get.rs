//! `GET /api/v1/workspaces/{workspace}/folders/{folder}`

use axum::extract::State;
use http::{HeaderName, HeaderValue, header};
use uuid::Uuid;

use super::model::{Folder, find};
use crate::access::{Permission, authorize};
use crate::app::AppState;
use crate::http::{Json, Path, etag};
use crate::identity::Caller;
use crate::problem::{self, Result};

/// See a folder
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{workspace}/folders/{folder}",
    operation_id = "folders.get",
    tag = "files",
    security(("bearer" = [])),
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
        ("folder" = Uuid, Path, description = "The folder's id"),
    ),
    responses(
        (status = OK, description = "The folder", body = Folder, headers(("etag" = String, description = "Its version"))),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup,
    ),
)]
pub async fn get(
    caller: Caller,
    State(app): State<AppState>,
    Path((workspace, id)): Path<(Uuid, Uuid)>,
) -> Result<([(HeaderName, HeaderValue); 1], Json<Folder>)> {
    let mut tx = app.database.begin_read(&caller.scope().in_workspace(workspace)).await?;
    authorize(&mut tx, &caller, workspace, Permission::FilesRead).await?;
    let folder = find(&mut tx, workspace, id).await?;
    Ok(([(header::ETAG, etag(folder.version))], Json(folder)))
}
