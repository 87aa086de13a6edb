//! `GET …/documents/{document}/comments`

use axum::extract::State;
use uuid::Uuid;

use super::model::Comment;
use crate::access::{Permission, Resource, authorize_on};
use crate::app::AppState;
use crate::documents::collections::CollectionName;
use crate::documents::model::Row;
use crate::http::{Json, Page, PageQuery, Path, Query};
use crate::identity::Caller;
use crate::problem::{self, Result};

/// List the comments on a document
///
/// The oldest first.
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{workspace}/collections/{collection}/documents/{document}/comments",
    operation_id = "documents.comments.list",
    tag = "documents",
    security(("bearer" = [])),
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
        ("collection" = CollectionName, Path, description = "The collection's name"),
        ("document" = Uuid, Path, description = "The document's id"),
        PageQuery,
    ),
    responses(
        (status = OK, description = "A page of comments", body = Page<Comment>),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup,
    ),
)]
pub async fn list(
    caller: Caller,
    State(app): State<AppState>,
    Path((workspace, collection, document)): Path<(Uuid, CollectionName, Uuid)>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<Comment>>> {
    let after: Option<Uuid> = query.after()?;
    let mut tx = app.database.begin_read(&caller.scope().in_workspace(workspace)).await?;
    let resource = Resource::Document(collection.as_str(), document);
    authorize_on(&mut tx, &caller, workspace, Permission::DocumentsRead, resource).await?;
    Row::find(&mut tx, workspace, &collection, document).await?;
    let found = sqlx::query_as!(
        Comment,
        "SELECT id, text, version, created_at, updated_at, created_by FROM document_comments
         WHERE document_id = $1 AND ($2::uuid IS NULL OR id > $2) ORDER BY id LIMIT $3",
        document,
        after,
        query.limit.and_one()
    )
    .fetch_all(&mut *tx)
    .await?;
    Ok(Json(Page::of(found, query.limit, |last| last.id)))
}
