//! `DELETE …/grants/{grant}`

use axum::extract::State;
use http::StatusCode;
use serde_json::json;
use uuid::Uuid;

use crate::access::{Permission, authorize};
use crate::app::AppState;
use crate::audit::{self, Action, Event};
use crate::http::Path;
use crate::identity::Caller;
use crate::problem::{self, Problem, Result};

/// Take a grant back
#[utoipa::path(
    delete,
    path = "/api/v1/workspaces/{workspace}/grants/{grant}",
    operation_id = "grants.delete",
    tag = "access",
    security(("bearer" = [])),
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
        ("grant" = Uuid, Path, description = "The grant's id"),
    ),
    responses(
        (status = NO_CONTENT, description = "It is gone"),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup,
    ),
)]
pub async fn delete(
    caller: Caller,
    State(app): State<AppState>,
    Path((workspace, id)): Path<(Uuid, Uuid)>,
) -> Result<StatusCode> {
    let mut tx = app.database.begin(&caller.scope().in_workspace(workspace)).await?;
    authorize(&mut tx, &caller, workspace, Permission::GrantsManage).await?;
    let gone = sqlx::query!(
        "DELETE FROM grants WHERE workspace_id = $1 AND id = $2 RETURNING permissions, user_id, role, team_id",
        workspace,
        id
    )
    .fetch_optional(&mut *tx)
    .await?
    .ok_or_else(Problem::not_found)?;
    let event = Event::by(&caller, Action::GrantDeleted).in_workspace(workspace).about("grant", id);
    let taken =
        json!({ "permissions": gone.permissions, "user": gone.user_id, "role": gone.role, "team": gone.team_id });
    audit::record(&mut tx, event.with(taken)).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
