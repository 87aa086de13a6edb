//! `DELETE …/members/{user}`

use axum::extract::State;
use http::StatusCode;
use serde_json::json;
use uuid::Uuid;

use super::keep_an_owner;
use super::model::Membership;
use crate::access::{Permission, authorize};
use crate::app::AppState;
use crate::audit::{self, Action, Event};
use crate::http::{IfMatch, Path};
use crate::identity::Caller;
use crate::problem::{self, Result};
use crate::workspaces::model::lock;

/// Remove a member, or leave
///
/// Every member may leave, except the last owner. Who removes an owner must be one.
#[utoipa::path(
    delete,
    path = "/api/v1/workspaces/{workspace}/members/{user}",
    operation_id = "members.remove",
    tag = "workspaces",
    security(("bearer" = [])),
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
        ("user" = Uuid, Path, description = "The user's id"),
        ("If-Match" = Option<String>, Header, description = "The version that is to go"),
    ),
    responses(
        (status = NO_CONTENT, description = "They are no member any more"),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup, problem::Conflicting,
        problem::Conditional,
    ),
)]
pub async fn remove(
    caller: Caller,
    State(app): State<AppState>,
    Path((workspace, user)): Path<(Uuid, Uuid)>,
    if_match: IfMatch,
) -> Result<StatusCode> {
    let mut tx = app.database.begin(&caller.scope().in_workspace(workspace)).await?;
    lock(&mut tx, workspace).await?;
    // A key that may do little must not do this for its owner.
    let leaves = user == caller.user && caller.is_signed_in();
    let needed = if leaves { Permission::WorkspaceRead } else { Permission::MembersManage };
    let access = authorize(&mut tx, &caller, workspace, needed).await?;
    let member = Membership::find(&mut tx, workspace, user).await?;
    if member.role.is_owner() {
        access.require(Permission::OwnersManage)?;
    }
    if !leaves {
        access.cover(member.role.existing(&mut tx, workspace).await?)?;
    }
    if_match.check(member.version)?;
    if member.role.is_owner() {
        keep_an_owner(&mut tx, workspace, user).await?;
    }
    let event = Event::by(&caller, Action::MemberRemoved).in_workspace(workspace).about("member", user);
    audit::record(&mut tx, event.with(json!({ "role": member.role, "left": leaves }))).await?;
    sqlx::query!("DELETE FROM workspace_members WHERE workspace_id = $1 AND user_id = $2", workspace, user)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
