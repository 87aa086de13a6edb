//! `PATCH …/documents/{document}`

use axum::extract::State;
use http::{HeaderName, HeaderValue, header};
use uuid::Uuid;

use super::collections::CollectionName;
use super::model::Document;
use super::write::Place;
use super::write::body::{DocumentPatch, PatchBody};
use super::write::json_patch::JsonPatchBody;
use crate::app::AppState;
use crate::http::{IfMatch, Json, Path, etag};
use crate::identity::Caller;
use crate::problem::{self, Result};

/// Change a document's data
///
/// JSON Merge Patch (RFC 7396): members with `null` go, objects merge, everything else is replaced. Or JSON Patch (RFC 6902):
/// operations in order, with pointers that begin with `/data`; when one fails, nothing changes, and the answer,
/// `patch-failed`, names it.
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
        content(
            (DocumentPatch = "application/merge-patch+json"),
            (DocumentPatch = "application/json"),
            (JsonPatchBody = "application/json-patch+json"),
        ),
    ),
    responses(
        (status = OK, description = "The document", body = Document, headers(
            ("etag" = String, description = "Its version"),
        )),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup, problem::Body,
        problem::Conflicting, problem::Conditional,
    ),
)]
pub async fn update(
    caller: Caller,
    State(app): State<AppState>,
    Path((workspace, collection, id)): Path<(Uuid, CollectionName, Uuid)>,
    if_match: IfMatch,
    PatchBody(change): PatchBody,
) -> Result<([(HeaderName, HeaderValue); 1], Json<Document>)> {
    let mut tx = app.database.begin(&caller.scope().in_workspace(workspace)).await?;
    let place = Place { caller: &caller, workspace, collection: &collection };
    let document = place.change(&mut tx, id, &if_match, change).await?;
    tx.commit().await?;
    Ok(([(header::ETAG, etag(document.version))], Json(document)))
}
