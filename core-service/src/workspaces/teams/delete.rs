//! `DELETE …/teams/{team}`

use axum::extract::State;
use http::StatusCode;
use serde_json::json;
use uuid::Uuid;

use super::model::Team;
use crate::access::{Permission, authorize};
use crate::app::AppState;
use crate::audit::{self, Action, Event};
use crate::http::{IfMatch, Path};
use crate::identity::Caller;
use crate::problem::{self, Result};

/// Delete a team
///
/// What was granted to it goes with it; its members stay members of the workspace.
#[utoipa::path(
    delete,
    path = "/api/v1/workspaces/{workspace}/teams/{team}",
    operation_id = "teams.delete",
    tag = "teams",
    security(("bearer" = [])),
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
        ("team" = Uuid, Path, description = "The team's id"),
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
    Path((workspace, id)): Path<(Uuid, Uuid)>,
    if_match: IfMatch,
) -> Result<StatusCode> {
    let mut tx = app.database.begin(&caller.scope().in_workspace(workspace)).await?;
    authorize(&mut tx, &caller, workspace, Permission::TeamsManage).await?;
    let team = Team::lock(&mut tx, workspace, id).await?;
    if_match.check(team.version)?;
    sqlx::query!("DELETE FROM teams WHERE workspace_id = $1 AND id = $2", workspace, id).execute(&mut *tx).await?;
    let event = Event::by(&caller, Action::TeamDeleted).in_workspace(workspace).about("team", id);
    audit::record(&mut tx, event.with(json!({ "name": team.name, "role": team.role }))).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
