//! `DELETE …/collections/{collection}/trash/{document}`

use axum::extract::State;
use http::StatusCode;
use uuid::Uuid;

use crate::access::{Permission, Resource, authorize_on};
use crate::app::AppState;
use crate::documents::collections::{CollectionName, Target};
use crate::http::Path;
use crate::identity::Caller;
use crate::problem::{self, Problem, Result};

/// Delete a document for good
///
/// A document in the trash, with all its versions and comments.
#[utoipa::path(
    delete,
    path = "/api/v1/workspaces/{workspace}/collections/{collection}/trash/{document}",
    operation_id = "documents.trash.purge",
    tag = "documents",
    security(("bearer" = [])),
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
        ("collection" = CollectionName, Path, description = "The collection's name"),
        ("document" = Uuid, Path, description = "The document's id"),
    ),
    responses(
        (status = NO_CONTENT, description = "It is gone"),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup,
    ),
)]
pub async fn purge(
    caller: Caller,
    State(app): State<AppState>,
    Path((workspace, collection, id)): Path<(Uuid, CollectionName, Uuid)>,
) -> Result<StatusCode> {
    let mut tx = app.database.begin(&caller.scope().in_workspace(workspace)).await?;
    let resource = Resource::Collection(collection.as_str());
    authorize_on(&mut tx, &caller, workspace, Permission::DocumentsWrite, resource).await?;
    let target = Target::for_writing(&mut tx, workspace, &collection).await?;
    let purged = sqlx::query!("DELETE FROM document_trash WHERE collection_id = $1 AND id = $2", target.id, id)
        .execute(&mut *tx)
        .await?;
    if purged.rows_affected() == 0 {
        return Err(Problem::not_found());
    }
    super::forget(&mut tx, &[id]).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
