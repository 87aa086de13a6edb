//! `GET …/documents/{document}/versions/{version}`

use axum::extract::State;
use uuid::Uuid;

use super::model::DocumentVersion;
use crate::access::{Permission, Resource, authorize_on};
use crate::app::AppState;
use crate::documents::collections::CollectionName;
use crate::documents::model::Row;
use crate::documents::rules::Applied;
use crate::http::{Json, Path};
use crate::identity::Caller;
use crate::problem::{self, Result};

/// Read a version of a document
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{workspace}/collections/{collection}/documents/{document}/versions/{version}",
    operation_id = "documents.versions.get",
    tag = "documents",
    security(("bearer" = [])),
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
        ("collection" = CollectionName, Path, description = "The collection's name"),
        ("document" = Uuid, Path, description = "The document's id"),
        ("version" = i64, Path, description = "The version's number"),
    ),
    responses(
        (status = OK, description = "The version", body = DocumentVersion),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup,
    ),
)]
pub async fn get(
    caller: Caller,
    State(app): State<AppState>,
    Path((workspace, collection, id, version)): Path<(Uuid, CollectionName, Uuid, i64)>,
) -> Result<Json<DocumentVersion>> {
    let mut tx = app.database.begin_read(&caller.scope().in_workspace(workspace)).await?;
    let resource = Resource::Document(collection.as_str(), id);
    let access = authorize_on(&mut tx, &caller, workspace, Permission::DocumentsRead, resource).await?;
    let (row, rules) = Row::find(&mut tx, workspace, &collection, id).await?;
    let mut found = row.version(&mut tx, version).await?;
    Applied::to(&rules, &access).hide(&mut found.data);
    Ok(Json(found))
}
