//! `DELETE …/documents/{document}`

use axum::extract::State;
use http::StatusCode;
use uuid::Uuid;

use super::collections::CollectionName;
use super::write::Place;
use crate::app::AppState;
use crate::http::{IfMatch, Path};
use crate::identity::Caller;
use crate::problem::{self, Result};

/// Delete a document
#[utoipa::path(
    delete,
    path = "/api/v1/workspaces/{workspace}/collections/{collection}/documents/{document}",
    operation_id = "documents.delete",
    tag = "documents",
    security(("bearer" = [])),
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
        ("collection" = CollectionName, Path, description = "The collection's name"),
        ("document" = Uuid, Path, description = "The document's id"),
        ("If-Match" = Option<String>, Header, description = "The version that is to go"),
    ),
    responses(
        (status = NO_CONTENT, description = "It is gone"),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup, problem::Conditional,
    ),
)]
pub async fn delete(
    caller: Caller,
    State(app): State<AppState>,
    Path((workspace, collection, id)): Path<(Uuid, CollectionName, Uuid)>,
    if_match: IfMatch,
) -> Result<StatusCode> {
    let mut tx = app.database.begin(&caller.scope().in_workspace(workspace)).await?;
    let place = Place { caller: &caller, workspace, collection: &collection };
    place.delete(&mut tx, id, &if_match).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
