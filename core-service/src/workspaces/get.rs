//! `GET /api/v1/workspaces/{workspace}`

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use uuid::Uuid;

use super::model::{Workspace, find};
use crate::access::{Permission, authorize};
use crate::app::AppState;
use crate::http::{IfNoneMatch, Json, Path, etag};
use crate::identity::Caller;
use crate::problem::{self, Result};

/// Read a workspace
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{workspace}",
    operation_id = "workspaces.get",
    tag = "workspaces",
    security(("bearer" = [])),
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
        ("If-None-Match" = Option<String>, Header, description = "What the caller has already"),
    ),
    responses(
        (status = OK, description = "The workspace", body = Workspace, headers(
            ("etag" = String, description = "Its version"),
        )),
        (status = NOT_MODIFIED, description = "The caller has it already"),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup,
    ),
)]
pub async fn get(
    caller: Caller,
    State(app): State<AppState>,
    Path(id): Path<Uuid>,
    if_none_match: IfNoneMatch,
) -> Result<Response> {
    let mut tx = app.database.begin_read(&caller.scope().in_workspace(id)).await?;
    authorize(&mut tx, &caller, id, Permission::WorkspaceRead).await?;
    let workspace = find(&mut tx, id).await?;
    let tag = etag(workspace.version);
    if if_none_match.matches(&tag) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response());
    }
    Ok(([(header::ETAG, tag)], Json(workspace)).into_response())
}
