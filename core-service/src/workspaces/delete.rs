//! `DELETE /api/v1/workspaces/{workspace}`

use axum::extract::State;
use http::StatusCode;
use serde_json::json;
use uuid::Uuid;

use super::model::lock;
use crate::access::{Permission, authorize};
use crate::app::AppState;
use crate::audit::{self, Action, Event};
use crate::http::{IfMatch, Path};
use crate::identity::Caller;
use crate::problem::{self, OnConstraint, Problem, Result, kinds};

/// Delete a workspace
///
/// Its collections, documents and files go with it, unless one of the files must be kept.
#[utoipa::path(
    delete,
    path = "/api/v1/workspaces/{workspace}",
    operation_id = "workspaces.delete",
    tag = "workspaces",
    security(("bearer" = [])),
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
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
    Path(id): Path<Uuid>,
    if_match: IfMatch,
) -> Result<StatusCode> {
    let mut tx = app.database.begin(&caller.scope().in_workspace(id)).await?;
    let workspace = lock(&mut tx, id).await?;
    authorize(&mut tx, &caller, id, Permission::WorkspaceDelete).await?;
    if_match.check(workspace.version)?;
    let event = Event::by(&caller, Action::WorkspaceDeleted).in_workspace(id).about("workspace", id);
    audit::record(&mut tx, event.with(json!({ "name": workspace.name }))).await?;
    let gone = sqlx::query!("DELETE FROM workspaces WHERE id = $1", id).execute(&mut *tx).await;
    gone.on_constraint("files_held", || Problem::new(&kinds::FILE_HELD).detail("A file in it must be kept."))?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
