//! `DELETE …/documents/{document}/comments/{comment}`

use axum::extract::State;
use http::StatusCode;
use uuid::Uuid;

use super::model::Comment;
use crate::access::{Permission, Resource, authorize_on};
use crate::app::AppState;
use crate::documents::collections::CollectionName;
use crate::documents::model::Row;
use crate::http::Path;
use crate::identity::Caller;
use crate::problem::{self, Result};

/// Delete a comment
///
/// Who made it may, and whoever manages the collection.
#[utoipa::path(
    delete,
    path = "/api/v1/workspaces/{workspace}/collections/{collection}/documents/{document}/comments/{comment}",
    operation_id = "documents.comments.delete",
    tag = "documents",
    security(("bearer" = [])),
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
        ("collection" = CollectionName, Path, description = "The collection's name"),
        ("document" = Uuid, Path, description = "The document's id"),
        ("comment" = Uuid, Path, description = "The comment's id"),
    ),
    responses(
        (status = NO_CONTENT, description = "It is gone"),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup,
    ),
)]
pub async fn delete(
    caller: Caller,
    State(app): State<AppState>,
    Path((workspace, collection, document, id)): Path<(Uuid, CollectionName, Uuid, Uuid)>,
) -> Result<StatusCode> {
    let mut tx = app.database.begin(&caller.scope().in_workspace(workspace)).await?;
    let resource = Resource::Document(collection.as_str(), document);
    let access = authorize_on(&mut tx, &caller, workspace, Permission::DocumentsWrite, resource).await?;
    Row::find(&mut tx, workspace, &collection, document).await?;
    let comment = Comment::find(&mut tx, document, id).await?;
    if comment.created_by != Some(caller.user) {
        access.require(Permission::CollectionsManage)?;
    }
    sqlx::query!("DELETE FROM document_comments WHERE document_id = $1 AND id = $2", document, id)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
