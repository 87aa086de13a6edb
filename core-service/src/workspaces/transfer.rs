//! `POST …/workspaces/{workspace}/transfer`

use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::model::lock;
use crate::access::{Permission, Permissions, authorize};
use crate::app::AppState;
use crate::audit::{self, Action, Event};
use crate::http::{Json, Path};
use crate::identity::{UserSession, require_step_up};
use crate::problem::{self, Problem, Result};

/// To whom.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Transfer {
    /// A person who is a member of the workspace.
    user: Uuid,
}

/// Transfer ownership
///
/// The member becomes an owner and the caller, who is one, an admin: both or neither. Needs a recent proof of who is
/// asking (`identity.step_up`).
#[utoipa::path(
    post,
    path = "/api/v1/workspaces/{workspace}/transfer",
    operation_id = "workspaces.transfer",
    tag = "workspaces",
    security(("bearer" = [])),
    params(("workspace" = Uuid, Path, description = "The workspace's id")),
    request_body = Transfer,
    responses(
        (status = NO_CONTENT, description = "It is theirs"),
        problem::Always, problem::AuthorizedInSession, problem::Lookup, problem::Body,
    ),
)]
pub async fn transfer(
    caller: UserSession,
    State(app): State<AppState>,
    Path(workspace): Path<Uuid>,
    Json(to): Json<Transfer>,
) -> Result<StatusCode> {
    let mut tx = app.database.begin(&caller.scope().in_workspace(workspace)).await?;
    lock(&mut tx, workspace).await?;
    let access = authorize(&mut tx, &(&caller).into(), workspace, Permission::OwnersManage).await?;
    access.cover(Permission::ALL.iter().copied().collect::<Permissions>())?;
    require_step_up(&mut tx, &app, &caller).await?;
    if to.user == caller.user {
        return Err(Problem::invalid_field("/user", "not", "is the caller"));
    }
    // In this order: the caller may do both as long as they are an owner.
    for (user, role) in [(to.user, "owner"), (caller.user, "admin")] {
        let changed = sqlx::query!(
            "UPDATE workspace_members SET role = $3, version = version + 1, updated_at = now()
             WHERE workspace_id = $1 AND user_id = $2 AND NOT service",
            workspace,
            user,
            role
        )
        .execute(&mut *tx)
        .await?;
        if changed.rows_affected() == 0 {
            return Err(Problem::invalid_field("/user", "unknown", "is no member of this workspace"));
        }
    }
    let event = Event::by(&caller, Action::WorkspaceTransferred).in_workspace(workspace).about("member", to.user);
    audit::record(&mut tx, event).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
