//! `PATCH …/documents/{document}`

use axum::extract::State;
use http::{HeaderName, HeaderValue, header};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::collections::{CollectionName, Target};
use super::merge_patch;
use super::model::{Document, Row, check};
use super::rules::Applied;
use crate::access::{Permission, Resource, authorize_on};
use crate::app::AppState;
use crate::http::{IfMatch, Json, Path, etag};
use crate::identity::Caller;
use crate::problem::{self, Result};

/// What changes in a document (JSON Merge Patch, RFC 7396).
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DocumentPatch {
    /// What changes in its data.
    #[schema(value_type = Object, example = json!({"price": 13, "discount": null}))]
    data: Value,
}

/// Change a document's data
///
/// JSON Merge Patch (RFC 7396): members with `null` go, objects merge, everything else is replaced.
#[utoipa::path(
    patch,
    path = "/api/v1/workspaces/{workspace}/collections/{collection}/documents/{document}",
    operation_id = "documents.update",
    tag = "documents",
    security(("bearer" = [])),
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
        ("collection" = CollectionName, Path, description = "The collection's name"),
        ("document" = Uuid, Path, description = "The document's id"),
        ("If-Match" = Option<String>, Header, description = "The version that is to change"),
    ),
    request_body(
        content((DocumentPatch = "application/merge-patch+json"), (DocumentPatch = "application/json")),
    ),
    responses(
        (status = OK, description = "The document", body = Document, headers(
            ("etag" = String, description = "Its version"),
        )),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup, problem::Body,
        problem::Conditional,
    ),
)]
pub async fn update(
    caller: Caller,
    State(app): State<AppState>,
    Path((workspace, collection, id)): Path<(Uuid, CollectionName, Uuid)>,
    if_match: IfMatch,
    Json(patch): Json<DocumentPatch>,
) -> Result<([(HeaderName, HeaderValue); 1], Json<Document>)> {
    let mut tx = app.database.begin(&caller.scope().in_workspace(workspace)).await?;
    let resource = Resource::Document(collection.as_str(), id);
    let access = authorize_on(&mut tx, &caller, workspace, Permission::DocumentsWrite, resource).await?;
    let target = Target::for_writing(&mut tx, workspace, &collection).await?;
    let row = Row::lock(&mut tx, target.id, id).await?;
    if_match.check(row.version)?;
    let rules = Applied::to(&target.rules, &access);
    rules.allow_body(&access, &patch.data)?;
    let mut data = row.data.0.clone();
    merge_patch::apply(&mut data, patch.data);
    rules.allow_patch(&access, &row.data, &data)?;
    check(&target.schema, &data, &rules)?;
    let row = row.write(&mut tx, data, caller.user).await?;
    tx.commit().await?;
    Ok(([(header::ETAG, etag(row.version))], Json(row.shown(&collection, &rules))))
}
