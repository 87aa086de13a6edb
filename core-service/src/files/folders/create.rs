//! `POST /api/v1/workspaces/{workspace}/folders`

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::model::{Folder, misplaced};
use super::place;
use crate::access::{Permission, authorize};
use crate::app::AppState;
use crate::files::name::Name;
use crate::http::{Attempt, Idempotency, Json, Path, created};
use crate::identity::Caller;
use crate::problem::{self, Result};

/// A new folder.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewFolder {
    /// Its name.
    name: Name,
    /// The folder that it is in; null, or not said: at the top.
    parent: Option<Uuid>,
}

/// Create a folder
#[utoipa::path(
    post,
    path = "/api/v1/workspaces/{workspace}/folders",
    operation_id = "folders.create",
    tag = "files",
    security(("bearer" = [])),
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes repeating safe"),
    ),
    request_body = NewFolder,
    responses(
        (status = CREATED, description = "The folder", body = Folder, headers(
            ("location" = String, description = "Where it is"),
            ("etag" = String, description = "Its version"),
        )),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup, problem::Body,
        problem::Conflicting,
    ),
)]
pub async fn create(
    caller: Caller,
    State(app): State<AppState>,
    Path(workspace): Path<Uuid>,
    idempotency: Idempotency,
    Json(new): Json<NewFolder>,
) -> Result<Response> {
    let mut tx = match idempotency.begin(&app, &caller.scope().in_workspace(workspace)).await? {
        Attempt::Repeated(answer) => return Ok(answer),
        Attempt::First(tx) => tx,
    };
    authorize(&mut tx, &caller, workspace, Permission::FilesWrite).await?;
    place::look_at(&mut tx, workspace, None, new.parent).await?;
    let folder = sqlx::query_as!(
        Folder,
        "INSERT INTO folders (id, workspace_id, parent_id, name, created_by) VALUES ($1, $2, $3, $4, $5)
         RETURNING id, name, parent_id AS parent, version, created_at, updated_at, created_by",
        Uuid::now_v7(),
        workspace,
        new.parent,
        new.name.as_str(),
        caller.user
    )
    .fetch_one(&mut **tx)
    .await
    .map_err(misplaced)?;
    let location = format!("/api/v1/workspaces/{workspace}/folders/{}", folder.id);
    tx.commit(created(location, folder.version, folder)).await
}
