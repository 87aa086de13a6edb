//! `…/teams/{team}/members`

use axum::extract::State;
use http::StatusCode;
use serde::Serialize;
use serde_json::json;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use super::model::{Team, may_give};
use crate::access::{Permission, authorize};
use crate::app::AppState;
use crate::audit::{self, Action, Event};
use crate::http::{Json, Page, PageQuery, Path, Query};
use crate::identity::Caller;
use crate::problem::{self, OnConstraint, Problem, Result};

/// Somebody in a team.
#[derive(Debug, Serialize, ToSchema)]
pub struct TeamMember {
    /// The user's id.
    user_id: Uuid,
    /// Since when they are in it.
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
}

/// List who is in a team
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{workspace}/teams/{team}/members",
    operation_id = "teams.members.list",
    tag = "teams",
    security(("bearer" = [])),
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
        ("team" = Uuid, Path, description = "The team's id"),
        PageQuery,
    ),
    responses(
        (status = OK, description = "A page of members", body = Page<TeamMember>),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup,
    ),
)]
pub async fn list(
    caller: Caller,
    State(app): State<AppState>,
    Path((workspace, team)): Path<(Uuid, Uuid)>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<TeamMember>>> {
    let after = query.after::<Uuid>()?;
    let mut tx = app.database.begin_read(&caller.scope().in_workspace(workspace)).await?;
    authorize(&mut tx, &caller, workspace, Permission::MembersRead).await?;
    Team::find(&mut tx, workspace, team).await?;
    let found = sqlx::query_as!(
        TeamMember,
        "SELECT user_id, created_at FROM team_members
         WHERE team_id = $1 AND ($2::uuid IS NULL OR user_id > $2) ORDER BY user_id LIMIT $3",
        team,
        after,
        query.limit.and_one()
    )
    .fetch_all(&mut *tx)
    .await?;
    Ok(Json(Page::of(found, query.limit, |last| last.user_id)))
}

/// Put a member into a team
///
/// It does not matter if they are in it already. Who does it has every permission that the team's role gives.
#[utoipa::path(
    put,
    path = "/api/v1/workspaces/{workspace}/teams/{team}/members/{user}",
    operation_id = "teams.members.add",
    tag = "teams",
    security(("bearer" = [])),
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
        ("team" = Uuid, Path, description = "The team's id"),
        ("user" = Uuid, Path, description = "The user's id, who is a member of the workspace"),
    ),
    responses(
        (status = NO_CONTENT, description = "They are in it"),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup,
    ),
)]
pub async fn add(
    caller: Caller,
    State(app): State<AppState>,
    Path((workspace, team, user)): Path<(Uuid, Uuid, Uuid)>,
) -> Result<StatusCode> {
    let mut tx = app.database.begin(&caller.scope().in_workspace(workspace)).await?;
    let access = authorize(&mut tx, &caller, workspace, Permission::TeamsManage).await?;
    let found = Team::lock(&mut tx, workspace, team).await?;
    may_give(&mut tx, &access, workspace, found.role.as_ref()).await?;
    let added = sqlx::query!(
        "INSERT INTO team_members (workspace_id, team_id, user_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        workspace,
        team,
        user
    )
    .execute(&mut *tx)
    .await
    .on_constraint("team_members_member", Problem::not_found)?;
    if added.rows_affected() > 0 {
        let event = Event::by(&caller, Action::TeamMemberAdded).in_workspace(workspace).about("member", user);
        audit::record(&mut tx, event.with(json!({ "team": team }))).await?;
    }
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Take a member out of a team, or leave it
#[utoipa::path(
    delete,
    path = "/api/v1/workspaces/{workspace}/teams/{team}/members/{user}",
    operation_id = "teams.members.remove",
    tag = "teams",
    security(("bearer" = [])),
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
        ("team" = Uuid, Path, description = "The team's id"),
        ("user" = Uuid, Path, description = "The user's id"),
    ),
    responses(
        (status = NO_CONTENT, description = "They are not in it any more"),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup,
    ),
)]
pub async fn remove(
    caller: Caller,
    State(app): State<AppState>,
    Path((workspace, team, user)): Path<(Uuid, Uuid, Uuid)>,
) -> Result<StatusCode> {
    let mut tx = app.database.begin(&caller.scope().in_workspace(workspace)).await?;
    // A key that may do little must not do this for its owner.
    let leaves = user == caller.user && caller.is_signed_in();
    let needed = if leaves { Permission::WorkspaceRead } else { Permission::TeamsManage };
    authorize(&mut tx, &caller, workspace, needed).await?;
    let removed = sqlx::query!(
        "DELETE FROM team_members WHERE workspace_id = $1 AND team_id = $2 AND user_id = $3",
        workspace,
        team,
        user
    )
    .execute(&mut *tx)
    .await?;
    if removed.rows_affected() == 0 {
        return Err(Problem::not_found());
    }
    let event = Event::by(&caller, Action::TeamMemberRemoved).in_workspace(workspace).about("member", user);
    audit::record(&mut tx, event.with(json!({ "team": team, "left": leaves }))).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
