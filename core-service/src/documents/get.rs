//! `GET …/documents/{document}`

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use uuid::Uuid;

use super::collections::CollectionName;
use super::model::{Document, Row};
use super::rules::Applied;
use crate::access::{Permission, Resource, authorize_on};
use crate::app::AppState;
use crate::http::{IfNoneMatch, Json, Path, etag};
use crate::identity::Caller;
use crate::problem::{self, Result};

/// Read a document
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{workspace}/collections/{collection}/documents/{document}",
    operation_id = "documents.get",
    tag = "documents",
    security(("bearer" = [])),
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
        ("collection" = CollectionName, Path, description = "The collection's name"),
        ("document" = Uuid, Path, description = "The document's id"),
        ("If-None-Match" = Option<String>, Header, description = "What the caller has already"),
    ),
    responses(
        (status = OK, description = "The document", body = Document, headers(
            ("etag" = String, description = "Its version"),
        )),
        (status = NOT_MODIFIED, description = "The caller has it already"),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup,
    ),
)]
pub async fn get(
    caller: Caller,
    State(app): State<AppState>,
    Path((workspace, collection, id)): Path<(Uuid, CollectionName, Uuid)>,
    if_none_match: IfNoneMatch,
) -> Result<Response> {
    let mut tx = app.database.begin_read(&caller.scope().in_workspace(workspace)).await?;
    let resource = Resource::Document(collection.as_str(), id);
    let access = authorize_on(&mut tx, &caller, workspace, Permission::DocumentsRead, resource).await?;
    let (row, rules) = Row::find(&mut tx, workspace, &collection, id).await?;
    let tag = etag(row.version);
    if if_none_match.matches(&tag) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response());
    }
    Ok(([(header::ETAG, tag)], Json(row.shown(&collection, &Applied::to(&rules, &access)))).into_response())
}
