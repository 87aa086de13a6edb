//! `POST …/workspaces/{workspace}/teams`

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::model::{Name, Team, may_give, name_taken};
use crate::access::{Permission, RoleName, authorize};
use crate::app::AppState;
use crate::audit::{self, Action, Event};
use crate::http::{Attempt, Idempotency, Json, Path, created};
use crate::identity::Caller;
use crate::problem::{self, OnConstraint, Result};

/// A team to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTeam {
    /// Its name, unique in the workspace.
    name: Name,
    /// What its members are besides what they are themselves; any role but `owner`.
    role: Option<RoleName>,
}

/// Create a team
#[utoipa::path(
    post,
    path = "/api/v1/workspaces/{workspace}/teams",
    operation_id = "teams.create",
    tag = "teams",
    security(("bearer" = [])),
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes repeating safe"),
    ),
    request_body = NewTeam,
    responses(
        (status = CREATED, description = "The team", body = Team, headers(
            ("location" = String, description = "Where it is"),
            ("etag" = String, description = "Its version"),
        )),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup, problem::Body,
        problem::Conflicting,
    ),
)]
pub async fn create(
    caller: Caller,
    State(app): State<AppState>,
    Path(workspace): Path<Uuid>,
    idempotency: Idempotency,
    Json(new): Json<NewTeam>,
) -> Result<Response> {
    let mut tx = match idempotency.begin(&app, &caller.scope().in_workspace(workspace)).await? {
        Attempt::Repeated(answer) => return Ok(answer),
        Attempt::First(tx) => tx,
    };
    let access = authorize(&mut tx, &caller, workspace, Permission::TeamsManage).await?;
    may_give(&mut tx, &access, workspace, new.role.as_ref()).await?;
    let team = sqlx::query_as!(
        Team,
        r#"INSERT INTO teams (id, workspace_id, name, role) VALUES ($1, $2, $3, $4)
           RETURNING id, name, role AS "role: RoleName", version, created_at, updated_at"#,
        Uuid::now_v7(),
        workspace,
        new.name.0,
        new.role.as_ref().map(RoleName::as_str)
    )
    .fetch_one(&mut **tx)
    .await
    .on_constraint("teams_name", name_taken)?;
    let event = Event::by(&caller, Action::TeamCreated).in_workspace(workspace).about("team", team.id);
    audit::record(&mut tx, event.with(json!({ "name": team.name, "role": team.role }))).await?;
    let location = format!("/api/v1/workspaces/{workspace}/teams/{}", team.id);
    tx.commit(created(location, team.version, team)).await
}
