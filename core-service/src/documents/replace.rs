//! `PUT …/documents/{document}`

use axum::extract::State;
use http::{HeaderName, HeaderValue, header};
use uuid::Uuid;

use super::collections::CollectionName;
use super::model::{Document, DocumentBody};
use super::write::{Change, Place};
use crate::app::AppState;
use crate::http::{IfMatch, Json, Path, etag};
use crate::identity::Caller;
use crate::problem::{self, Result};

/// Replace a document's data
///
/// Without If-Match it replaces whatever is there.
#[utoipa::path(
    put,
    path = "/api/v1/workspaces/{workspace}/collections/{collection}/documents/{document}",
    operation_id = "documents.replace",
    tag = "documents",
    security(("bearer" = [])),
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
        ("collection" = CollectionName, Path, description = "The collection's name"),
        ("document" = Uuid, Path, description = "The document's id"),
        ("If-Match" = Option<String>, Header, description = "The version that is to change"),
    ),
    request_body = DocumentBody,
    responses(
        (status = OK, description = "The document", body = Document, headers(
            ("etag" = String, description = "Its version"),
        )),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup, problem::Body,
        problem::Conditional,
    ),
)]
pub async fn replace(
    caller: Caller,
    State(app): State<AppState>,
    Path((workspace, collection, id)): Path<(Uuid, CollectionName, Uuid)>,
    if_match: IfMatch,
    Json(DocumentBody { data }): Json<DocumentBody>,
) -> Result<([(HeaderName, HeaderValue); 1], Json<Document>)> {
    let mut tx = app.database.begin(&caller.scope().in_workspace(workspace)).await?;
    let place = Place { caller: &caller, workspace, collection: &collection };
    let document = place.change(&mut tx, id, &if_match, Change::Replace(data)).await?;
    tx.commit().await?;
    Ok(([(header::ETAG, etag(document.version))], Json(document)))
}
