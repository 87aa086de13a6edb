//! `POST …/collections/{collection}/documents`

use axum::extract::State;
use axum::response::Response;
use uuid::Uuid;

use super::collections::CollectionName;
use super::model::{Document, DocumentBody};
use super::write::Place;
use crate::app::AppState;
use crate::http::{Attempt, Idempotency, Json, Path, created};
use crate::identity::Caller;
use crate::problem::{self, Result};

/// Create a document
#[utoipa::path(
    post,
    path = "/api/v1/workspaces/{workspace}/collections/{collection}/documents",
    operation_id = "documents.create",
    tag = "documents",
    security(("bearer" = [])),
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
        ("collection" = CollectionName, Path, description = "The collection's name"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes repeating safe"),
    ),
    request_body = DocumentBody,
    responses(
        (status = CREATED, description = "The document", body = Document, headers(
            ("location" = String, description = "Where it is"),
            ("etag" = String, description = "Its version"),
        )),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup, problem::Body,
        problem::Conflicting,
    ),
)]
pub async fn create(
    caller: Caller,
    State(app): State<AppState>,
    Path((workspace, collection)): Path<(Uuid, CollectionName)>,
    idempotency: Idempotency,
    Json(new): Json<DocumentBody>,
) -> Result<Response> {
    let mut tx = match idempotency.begin(&app, &caller.scope().in_workspace(workspace)).await? {
        Attempt::Repeated(answer) => return Ok(answer),
        Attempt::First(tx) => tx,
    };
    let place = Place { caller: &caller, workspace, collection: &collection };
    let document = place.create(&mut tx, new.data).await?;
    let base = format!("/api/v1/workspaces/{workspace}/collections/{}/documents", collection.as_str());
    tx.commit(created(format!("{base}/{}", document.id), document.version, document)).await
}
