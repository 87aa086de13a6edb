//! `PATCH …/documents/{document}/comments/{comment}`

use axum::extract::State;
use http::{HeaderName, HeaderValue, header};
use uuid::Uuid;

use super::model::{Comment, CommentBody};
use crate::access::{Permission, Resource, authorize_on};
use crate::app::AppState;
use crate::documents::collections::CollectionName;
use crate::documents::model::Row;
use crate::http::{IfMatch, Json, Path, etag};
use crate::identity::Caller;
use crate::problem::{self, Problem, Result};

/// Change a comment
///
/// Only who made it may.
#[utoipa::path(
    patch,
    path = "/api/v1/workspaces/{workspace}/collections/{collection}/documents/{document}/comments/{comment}",
    operation_id = "documents.comments.change",
    tag = "documents",
    security(("bearer" = [])),
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
        ("collection" = CollectionName, Path, description = "The collection's name"),
        ("document" = Uuid, Path, description = "The document's id"),
        ("comment" = Uuid, Path, description = "The comment's id"),
        ("If-Match" = Option<String>, Header, description = "The version that is to change"),
    ),
    request_body(content((CommentBody = "application/merge-patch+json"), (CommentBody = "application/json"))),
    responses(
        (status = OK, description = "The comment", body = Comment, headers(("etag" = String, description = "Its version"))),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup, problem::Body,
        problem::Conditional,
    ),
)]
pub async fn change(
    caller: Caller,
    State(app): State<AppState>,
    Path((workspace, collection, document, id)): Path<(Uuid, CollectionName, Uuid, Uuid)>,
    if_match: IfMatch,
    Json(body): Json<CommentBody>,
) -> Result<([(HeaderName, HeaderValue); 1], Json<Comment>)> {
    let mut tx = app.database.begin(&caller.scope().in_workspace(workspace)).await?;
    let resource = Resource::Document(collection.as_str(), document);
    authorize_on(&mut tx, &caller, workspace, Permission::DocumentsWrite, resource).await?;
    Row::find(&mut tx, workspace, &collection, document).await?;
    let before = Comment::find(&mut tx, document, id).await?;
    if before.created_by != Some(caller.user) {
        return Err(Problem::forbidden().detail("Only who made a comment may change it."));
    }
    if_match.check(before.version)?;
    let comment = sqlx::query_as!(
        Comment,
        "UPDATE document_comments SET text = $3, version = version + 1, updated_at = now()
         WHERE document_id = $1 AND id = $2 AND version = $4
         RETURNING id, text, version, created_at, updated_at, created_by",
        document,
        id,
        body.text,
        before.version
    )
    .fetch_optional(&mut *tx)
    .await?;
    // Somebody was quicker: their own other hand.
    let Some(comment) = comment else { return Err(Problem::overloaded("The comment is being changed. Try again.")) };
    tx.commit().await?;
    Ok(([(header::ETAG, etag(comment.version))], Json(comment)))
}
