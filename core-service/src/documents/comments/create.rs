//! `POST …/documents/{document}/comments`

use axum::extract::State;
use axum::response::Response;
use uuid::Uuid;

use super::model::{Comment, CommentBody};
use crate::access::{Permission, Resource, authorize_on};
use crate::app::AppState;
use crate::documents::collections::{CollectionName, Target};
use crate::documents::model::Row;
use crate::http::{Attempt, Idempotency, Json, Path, created};
use crate::identity::Caller;
use crate::problem::{self, Result};

/// Comment on a document
#[utoipa::path(
    post,
    path = "/api/v1/workspaces/{workspace}/collections/{collection}/documents/{document}/comments",
    operation_id = "documents.comments.create",
    tag = "documents",
    security(("bearer" = [])),
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
        ("collection" = CollectionName, Path, description = "The collection's name"),
        ("document" = Uuid, Path, description = "The document's id"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes repeating safe"),
    ),
    request_body = CommentBody,
    responses(
        (status = CREATED, description = "The comment", body = Comment, headers(
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
    Path((workspace, collection, document)): Path<(Uuid, CollectionName, Uuid)>,
    idempotency: Idempotency,
    Json(new): Json<CommentBody>,
) -> Result<Response> {
    let mut tx = match idempotency.begin(&app, &caller.scope().in_workspace(workspace)).await? {
        Attempt::Repeated(answer) => return Ok(answer),
        Attempt::First(tx) => tx,
    };
    let resource = Resource::Document(collection.as_str(), document);
    authorize_on(&mut tx, &caller, workspace, Permission::DocumentsWrite, resource).await?;
    let target = Target::for_writing(&mut tx, workspace, &collection).await?;
    // Locked, so that it does not go meanwhile.
    Row::lock(&mut tx, target.id, document).await?;
    let comment = sqlx::query_as!(
        Comment,
        "INSERT INTO document_comments (id, workspace_id, collection_id, document_id, text, created_by)
         VALUES ($1, $2, $3, $4, $5, $6) RETURNING id, text, version, created_at, updated_at, created_by",
        Uuid::now_v7(),
        workspace,
        target.id,
        document,
        new.text,
        caller.user
    )
    .fetch_one(&mut **tx)
    .await?;
    let base = format!("/api/v1/workspaces/{workspace}/collections/{}/documents", collection.as_str());
    let location = format!("{base}/{document}/comments/{}", comment.id);
    tx.commit(created(location, comment.version, comment)).await
}
