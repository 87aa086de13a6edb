//! `GET /api/v1/workspaces/{workspace}/files/{file}`

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use uuid::Uuid;

use super::model::{File, Row};
use crate::access::{Permission, authorize};
use crate::app::AppState;
use crate::http::{IfNoneMatch, Json, Path, etag};
use crate::identity::Caller;
use crate::problem::{self, Result};

/// See a file
///
/// What is known of it. What is in it: `files.content`.
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{workspace}/files/{file}",
    operation_id = "files.get",
    tag = "files",
    security(("bearer" = [])),
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
        ("file" = Uuid, Path, description = "The file's id"),
        ("If-None-Match" = Option<String>, Header, description = "A version that the client has"),
    ),
    responses(
        (status = OK, description = "The file", body = File, headers(("etag" = String, description = "Its version"))),
        (status = NOT_MODIFIED, description = "The client has it"),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup,
    ),
)]
pub async fn get(
    caller: Caller,
    State(app): State<AppState>,
    Path((workspace, id)): Path<(Uuid, Uuid)>,
    if_none_match: IfNoneMatch,
) -> Result<Response> {
    let mut tx = app.database.begin_read(&caller.scope().in_workspace(workspace)).await?;
    authorize(&mut tx, &caller, workspace, Permission::FilesRead).await?;
    let file: File = Row::find(&mut tx, workspace, id).await?.into();
    let tag = etag(file.version);
    if if_none_match.matches(&tag) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response());
    }
    Ok(([(header::ETAG, tag)], Json(file)).into_response())
}
