//! `PATCH /api/v1/workspaces/{workspace}/files/{file}`

use axum::extract::State;
use http::{HeaderName, HeaderValue, header};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::model::{File, Row, lock, misplaced};
use super::name::Name;
use crate::access::{Permission, authorize};
use crate::app::AppState;
use crate::http::{IfMatch, Json, Patch, Path, etag};
use crate::identity::Caller;
use crate::problem::{self, Result};

/// What changes in a file (JSON Merge Patch, RFC 7396).
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FilePatch {
    /// Its name.
    #[schema(nullable = false)]
    name: Option<Name>,
    /// The folder that it moves to; null moves it to the top.
    #[serde(default)]
    #[schema(value_type = Option<Uuid>)]
    folder: Patch<Uuid>,
}

/// Rename or move a file
#[utoipa::path(
    patch,
    path = "/api/v1/workspaces/{workspace}/files/{file}",
    operation_id = "files.change",
    tag = "files",
    security(("bearer" = [])),
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
        ("file" = Uuid, Path, description = "The file's id"),
        ("If-Match" = Option<String>, Header, description = "The version that is to change"),
    ),
    request_body(content((FilePatch = "application/merge-patch+json"), (FilePatch = "application/json"))),
    responses(
        (status = OK, description = "The file", body = File, headers(("etag" = String, description = "Its version"))),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup, problem::Body,
        problem::Conflicting, problem::Conditional,
    ),
)]
pub async fn change(
    caller: Caller,
    State(app): State<AppState>,
    Path((workspace, id)): Path<(Uuid, Uuid)>,
    if_match: IfMatch,
    Json(patch): Json<FilePatch>,
) -> Result<([(HeaderName, HeaderValue); 1], Json<File>)> {
    let mut tx = app.database.begin(&caller.scope().in_workspace(workspace)).await?;
    authorize(&mut tx, &caller, workspace, Permission::FilesWrite).await?;
    if_match.check(lock(&mut tx, workspace, id).await?.version)?;
    let before = Row::find(&mut tx, workspace, id).await?;
    sqlx::query!(
        "UPDATE files SET name = $2, folder_id = $3, version = version + 1, updated_at = now(), updated_by = $4 WHERE id = $1",
        id,
        patch.name.map_or(before.name, String::from),
        patch.folder.or(before.folder_id),
        caller.user
    )
    .execute(&mut *tx)
    .await
    .map_err(misplaced)?;
    let file: File = Row::find(&mut tx, workspace, id).await?.into();
    tx.commit().await?;
    Ok(([(header::ETAG, etag(file.version))], Json(file)))
}
