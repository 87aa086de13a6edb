//! `POST …/documents/{document}/versions/{version}/restore`

use axum::extract::State;
use http::{HeaderName, HeaderValue, header};
use uuid::Uuid;

use crate::app::AppState;
use crate::documents::collections::CollectionName;
use crate::documents::model::Document;
use crate::documents::write::{Change, Place};
use crate::http::{IfMatch, Json, Path, etag};
use crate::identity::Caller;
use crate::problem::{self, Result};

/// Restore a version of a document
///
/// Makes a new version with what was in the old one. What the caller does not see stays as it is, and so do read-only fields
/// and the state of a life cycle.
#[utoipa::path(
    post,
    path = "/api/v1/workspaces/{workspace}/collections/{collection}/documents/{document}/versions/{version}/restore",
    operation_id = "documents.versions.restore",
    tag = "documents",
    security(("bearer" = [])),
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
        ("collection" = CollectionName, Path, description = "The collection's name"),
        ("document" = Uuid, Path, description = "The document's id"),
        ("version" = i64, Path, description = "The version's number"),
        ("If-Match" = Option<String>, Header, description = "The version that is to change"),
    ),
    responses(
        (status = OK, description = "The document", body = Document, headers(
            ("etag" = String, description = "Its version"),
        )),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup, problem::Body,
        problem::Conflicting, problem::Conditional,
    ),
)]
pub async fn restore(
    caller: Caller,
    State(app): State<AppState>,
    Path((workspace, collection, id, version)): Path<(Uuid, CollectionName, Uuid, i64)>,
    if_match: IfMatch,
) -> Result<([(HeaderName, HeaderValue); 1], Json<Document>)> {
    let mut tx = app.database.begin(&caller.scope().in_workspace(workspace)).await?;
    let place = Place { caller: &caller, workspace, collection: &collection };
    let document = place.change(&mut tx, id, &if_match, Change::Restore(version)).await?;
    tx.commit().await?;
    Ok(([(header::ETAG, etag(document.version))], Json(document)))
}
