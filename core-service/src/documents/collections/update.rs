//! `PATCH …/collections/{collection}`

use axum::extract::State;
use http::{HeaderName, HeaderValue, header};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::CollectionName;
use super::model::{Collection, CollectionBody};
use crate::access::{Permission, authorize};
use crate::app::AppState;
use crate::documents::write::merge_patch;
use crate::http::{IfMatch, Json, Path, etag};
use crate::identity::Caller;
use crate::problem::{self, Problem, Result};

/// What changes in a collection (JSON Merge Patch, RFC 7396).
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CollectionPatch {
    /// Its name.
    #[schema(nullable = false)]
    name: Option<CollectionName>,
    /// What changes in its schema.
    #[schema(value_type = Object, required = false)]
    schema: Option<Value>,
    /// What changes in its options.
    #[schema(value_type = Object, required = false)]
    options: Option<Value>,
}

/// Change a collection's name, schema or options
///
/// Schema and options are merged like everything else (JSON Merge Patch, RFC 7396). Every document must fit the result;
/// otherwise nothing changes and the answer, `schema-incompatible`, names those that do not.
#[utoipa::path(
    patch,
    path = "/api/v1/workspaces/{workspace}/collections/{collection}",
    operation_id = "collections.update",
    tag = "collections",
    security(("bearer" = [])),
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
        ("collection" = CollectionName, Path, description = "The collection's name"),
        ("If-Match" = Option<String>, Header, description = "The version that is to change"),
    ),
    request_body(
        content((CollectionPatch = "application/merge-patch+json"), (CollectionPatch = "application/json")),
    ),
    responses(
        (status = OK, description = "The collection", body = Collection, headers(
            ("etag" = String, description = "Its version"),
        )),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup, problem::Body,
        problem::Conflicting, problem::Conditional,
    ),
)]
pub async fn update(
    caller: Caller,
    State(app): State<AppState>,
    Path((workspace, name)): Path<(Uuid, CollectionName)>,
    if_match: IfMatch,
    Json(patch): Json<CollectionPatch>,
) -> Result<([(HeaderName, HeaderValue); 1], Json<Collection>)> {
    let mut tx = app.database.begin(&caller.scope().in_workspace(workspace)).await?;
    let access = authorize(&mut tx, &caller, workspace, Permission::CollectionsManage).await?;
    let collection = Collection::lock(&mut tx, workspace, &name).await?;
    if_match.check(collection.version)?;
    let mut schema = collection.schema.clone();
    if let Some(changes) = patch.schema {
        merge_patch::apply(&mut schema, changes);
    }
    let mut options = collection.options.0.clone();
    if let Some(changes) = patch.options {
        let mut merged = serde_json::to_value(&options).map_err(Problem::internal)?;
        merge_patch::apply(&mut merged, changes);
        options = crate::http::fit(merged, "/options")?;
    }
    let body = CollectionBody { name: patch.name.unwrap_or(name), schema, options };
    let collection = collection.change(&mut tx, &caller, &access, workspace, body).await?;
    tx.commit().await?;
    Ok(([(header::ETAG, etag(collection.version))], Json(collection)))
}
