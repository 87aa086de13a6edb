//! `PATCH /api/v1/workspaces/{workspace}/folders/{folder}`

use axum::extract::State;
use http::{HeaderName, HeaderValue, header};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::model::{Folder, find, misplaced};
use super::place;
use crate::access::{Permission, authorize};
use crate::app::AppState;
use crate::files::name::Name;
use crate::http::{IfMatch, Json, Patch, Path, etag};
use crate::identity::Caller;
use crate::problem::{self, Problem, Result};

/// What changes in a folder (JSON Merge Patch, RFC 7396).
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FolderPatch {
    /// Its name.
    #[schema(nullable = false)]
    name: Option<Name>,
    /// The folder that it moves to, with all that is in it; null moves it to the top.
    #[serde(default)]
    #[schema(value_type = Option<Uuid>)]
    parent: Patch<Uuid>,
}

/// Rename or move a folder
#[utoipa::path(
    patch,
    path = "/api/v1/workspaces/{workspace}/folders/{folder}",
    operation_id = "folders.change",
    tag = "files",
    security(("bearer" = [])),
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
        ("folder" = Uuid, Path, description = "The folder's id"),
        ("If-Match" = Option<String>, Header, description = "The version that is to change"),
    ),
    request_body(content((FolderPatch = "application/merge-patch+json"), (FolderPatch = "application/json"))),
    responses(
        (status = OK, description = "The folder", body = Folder, headers(("etag" = String, description = "Its version"))),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup, problem::Body,
        problem::Conflicting, problem::Conditional,
    ),
)]
pub async fn change(
    caller: Caller,
    State(app): State<AppState>,
    Path((workspace, id)): Path<(Uuid, Uuid)>,
    if_match: IfMatch,
    Json(patch): Json<FolderPatch>,
) -> Result<([(HeaderName, HeaderValue); 1], Json<Folder>)> {
    let mut tx = app.database.begin(&caller.scope().in_workspace(workspace)).await?;
    authorize(&mut tx, &caller, workspace, Permission::FilesWrite).await?;
    if let Patch::Value(parent) = patch.parent {
        place::look_at(&mut tx, workspace, Some(id), Some(parent)).await?;
    }
    let before = find(&mut tx, workspace, id).await?;
    if_match.check(before.version)?;
    let folder = sqlx::query_as!(
        Folder,
        "UPDATE folders SET name = $3, parent_id = $4, version = version + 1, updated_at = now()
         WHERE id = $1 AND version = $2
         RETURNING id, name, parent_id AS parent, version, created_at, updated_at, created_by",
        id,
        before.version,
        patch.name.map_or(before.name, String::from),
        patch.parent.or(before.parent)
    )
    .fetch_optional(&mut *tx)
    .await
    .map_err(misplaced)?;
    // Somebody was quicker, in between.
    let Some(folder) = folder else { return Err(Problem::overloaded("The folder is being changed. Try again.")) };
    tx.commit().await?;
    Ok(([(header::ETAG, etag(folder.version))], Json(folder)))
}
