//! `PATCH …/teams/{team}`

use axum::extract::State;
use http::{HeaderName, HeaderValue, header};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::model::{Name, Team, may_give, name_taken};
use crate::access::{Permission, RoleName, authorize};
use crate::app::AppState;
use crate::audit::{self, Action, Event};
use crate::http::{IfMatch, Json, Patch, Path, etag};
use crate::identity::Caller;
use crate::problem::{self, OnConstraint, Result};

/// What changes in a team (JSON Merge Patch, RFC 7396).
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TeamPatch {
    /// Its name.
    #[schema(nullable = false)]
    name: Option<Name>,
    /// What its members are besides what they are themselves; null for nothing.
    #[serde(default)]
    #[schema(value_type = Option<RoleName>)]
    role: Patch<RoleName>,
}

/// Change a team
#[utoipa::path(
    patch,
    path = "/api/v1/workspaces/{workspace}/teams/{team}",
    operation_id = "teams.change",
    tag = "teams",
    security(("bearer" = [])),
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
        ("team" = Uuid, Path, description = "The team's id"),
        ("If-Match" = Option<String>, Header, description = "The version that is to change"),
    ),
    request_body(content((TeamPatch = "application/merge-patch+json"), (TeamPatch = "application/json"))),
    responses(
        (status = OK, description = "The team", body = Team, headers(("etag" = String, description = "Its version"))),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup, problem::Body,
        problem::Conflicting, problem::Conditional,
    ),
)]
pub async fn change(
    caller: Caller,
    State(app): State<AppState>,
    Path((workspace, id)): Path<(Uuid, Uuid)>,
    if_match: IfMatch,
    Json(patch): Json<TeamPatch>,
) -> Result<([(HeaderName, HeaderValue); 1], Json<Team>)> {
    let mut tx = app.database.begin(&caller.scope().in_workspace(workspace)).await?;
    let access = authorize(&mut tx, &caller, workspace, Permission::TeamsManage).await?;
    let before = Team::lock(&mut tx, workspace, id).await?;
    if_match.check(before.version)?;
    let role = patch.role.or(before.role.clone());
    may_give(&mut tx, &access, workspace, role.as_ref()).await?;
    let team = sqlx::query_as!(
        Team,
        r#"UPDATE teams SET name = coalesce($3, name), role = $4, version = version + 1, updated_at = now()
           WHERE workspace_id = $1 AND id = $2
           RETURNING id, name, role AS "role: RoleName", version, created_at, updated_at"#,
        workspace,
        id,
        patch.name.map(|name| name.0),
        role.as_ref().map(RoleName::as_str)
    )
    .fetch_one(&mut *tx)
    .await
    .on_constraint("teams_name", name_taken)?;
    let event = Event::by(&caller, Action::TeamChanged).in_workspace(workspace).about("team", id);
    let changed = json!({ "name": team.name, "role": { "from": before.role, "to": team.role } });
    audit::record(&mut tx, event.with(changed)).await?;
    tx.commit().await?;
    Ok(([(header::ETAG, etag(team.version))], Json(team)))
}
