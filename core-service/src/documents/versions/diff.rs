//! `GET …/documents/{document}/versions/{version}/diff`

use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::access::{Permission, Resource, authorize_on};
use crate::app::AppState;
use crate::documents::collections::CollectionName;
use crate::documents::model::Row;
use crate::documents::rules::Applied;
use crate::documents::write::json_patch::JsonPatchOperation;
use crate::http::{Json, Path, Query};
use crate::identity::Caller;
use crate::problem::{self, Problem, Result};

/// Between which versions.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DiffQuery {
    /// The other version; the newest if it is not said.
    to: Option<i64>,
}

/// How a document came from one version to another.
#[derive(Debug, Serialize, ToSchema)]
pub struct VersionDiff {
    /// The one.
    from: i64,
    /// The other.
    to: i64,
    /// What leads from the one to the other: a JSON Patch (RFC 6902) of the document.
    #[schema(value_type = Vec<JsonPatchOperation>)]
    patch: Value,
}

/// Compare two versions of a document
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{workspace}/collections/{collection}/documents/{document}/versions/{version}/diff",
    operation_id = "documents.versions.diff",
    tag = "documents",
    security(("bearer" = [])),
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
        ("collection" = CollectionName, Path, description = "The collection's name"),
        ("document" = Uuid, Path, description = "The document's id"),
        ("version" = i64, Path, description = "The version's number"),
        DiffQuery,
    ),
    responses(
        (status = OK, description = "The difference", body = VersionDiff),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup,
    ),
)]
pub async fn diff(
    caller: Caller,
    State(app): State<AppState>,
    Path((workspace, collection, id, version)): Path<(Uuid, CollectionName, Uuid, i64)>,
    Query(query): Query<DiffQuery>,
) -> Result<Json<VersionDiff>> {
    let mut tx = app.database.begin_read(&caller.scope().in_workspace(workspace)).await?;
    let resource = Resource::Document(collection.as_str(), id);
    let access = authorize_on(&mut tx, &caller, workspace, Permission::DocumentsRead, resource).await?;
    let (row, rules) = Row::find(&mut tx, workspace, &collection, id).await?;
    let to = query.to.unwrap_or(row.version);
    let (mut one, mut other) = (row.in_version(&mut tx, version).await?, row.in_version(&mut tx, to).await?);
    drop(tx);
    let rules = Applied::to(&rules, &access);
    rules.hide(&mut one);
    rules.hide(&mut other);
    let patch = json_patch::diff(&json!({ "data": one }), &json!({ "data": other }));
    let patch = serde_json::to_value(patch).map_err(Problem::internal)?;
    Ok(Json(VersionDiff { from: version, to, patch }))
}
