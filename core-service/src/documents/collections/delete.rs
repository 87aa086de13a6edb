//! `DELETE …/collections/{collection}`

use axum::extract::State;
use http::StatusCode;
use serde_json::json;
use uuid::Uuid;

use super::CollectionName;
use super::model::{Collection, referring};
use crate::access::{Permission, authorize};
use crate::app::AppState;
use crate::audit::{self, Action, Event};
use crate::http::{IfMatch, Path};
use crate::identity::Caller;
use crate::problem::{self, Problem, Result, kinds};

/// Delete a collection
///
/// Only an empty one: otherwise the answer is `collection-not-empty`.
#[utoipa::path(
    delete,
    path = "/api/v1/workspaces/{workspace}/collections/{collection}",
    operation_id = "collections.delete",
    tag = "collections",
    security(("bearer" = [])),
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
        ("collection" = CollectionName, Path, description = "The collection's name"),
        ("If-Match" = Option<String>, Header, description = "The version that is to go"),
    ),
    responses(
        (status = NO_CONTENT, description = "It is gone"),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup, problem::Conflicting,
        problem::Conditional,
    ),
)]
pub async fn delete(
    caller: Caller,
    State(app): State<AppState>,
    Path((workspace, name)): Path<(Uuid, CollectionName)>,
    if_match: IfMatch,
) -> Result<StatusCode> {
    let mut tx = app.database.begin(&caller.scope().in_workspace(workspace)).await?;
    authorize(&mut tx, &caller, workspace, Permission::CollectionsManage).await?;
    // Locked, so that no document can come in between.
    let collection = Collection::lock(&mut tx, workspace, &name).await?;
    if_match.check(collection.version)?;
    let others = referring(&mut tx, workspace, &collection.name).await?;
    if others.iter().any(|(id, _)| *id != collection.id) {
        return Err(Problem::conflict("The options of another collection refer to this one: take them away first."));
    }
    let deleted = sqlx::query!(
        "DELETE FROM collections WHERE id = $1 AND NOT EXISTS (SELECT FROM documents WHERE collection_id = $1)",
        collection.id
    )
    .execute(&mut *tx)
    .await?;
    if deleted.rows_affected() == 0 {
        return Err(Problem::new(&kinds::COLLECTION_NOT_EMPTY));
    }
    let event = Event::by(&caller, Action::CollectionDeleted).in_workspace(workspace);
    let event = event.about("collection", collection.id).with(json!({ "name": collection.name }));
    audit::record(&mut tx, event).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
