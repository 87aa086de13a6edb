//! `GET …/documents/{document}/versions`

use axum::extract::State;
use uuid::Uuid;

use super::model::VersionInfo;
use crate::access::{Permission, Resource, authorize_on};
use crate::app::AppState;
use crate::documents::collections::CollectionName;
use crate::documents::model::Row;
use crate::http::{Json, Page, PageQuery, Path, Query};
use crate::identity::Caller;
use crate::problem::{self, Result};

/// List a document's versions
///
/// The newest, which is the document itself, first.
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{workspace}/collections/{collection}/documents/{document}/versions",
    operation_id = "documents.versions.list",
    tag = "documents",
    security(("bearer" = [])),
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
        ("collection" = CollectionName, Path, description = "The collection's name"),
        ("document" = Uuid, Path, description = "The document's id"),
        PageQuery,
    ),
    responses(
        (status = OK, description = "A page of versions", body = Page<VersionInfo>),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup,
    ),
)]
pub async fn list(
    caller: Caller,
    State(app): State<AppState>,
    Path((workspace, collection, id)): Path<(Uuid, CollectionName, Uuid)>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<VersionInfo>>> {
    let before: Option<i64> = query.after()?;
    let mut tx = app.database.begin_read(&caller.scope().in_workspace(workspace)).await?;
    let resource = Resource::Document(collection.as_str(), id);
    authorize_on(&mut tx, &caller, workspace, Permission::DocumentsRead, resource).await?;
    let (row, _) = Row::find(&mut tx, workspace, &collection, id).await?;
    // Only what was there when the row was read: a version may have been added since.
    let before = before.unwrap_or(i64::MAX).min(row.version.saturating_add(1));
    let mut found = sqlx::query_as!(
        VersionInfo,
        "SELECT version, updated_at, updated_by FROM document_versions
         WHERE document_id = $1 AND version < $2 ORDER BY version DESC LIMIT $3",
        id,
        before.min(row.version),
        query.limit.and_one()
    )
    .fetch_all(&mut *tx)
    .await?;
    if before > row.version {
        let newest = VersionInfo { version: row.version, updated_at: row.updated_at, updated_by: row.updated_by };
        found.insert(0, newest);
    }
    Ok(Json(Page::of(found, query.limit, |last| last.version)))
}
