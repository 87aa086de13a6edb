//! `GET …/teams/{team}`

use axum::extract::State;
use http::{HeaderName, HeaderValue, header};
use uuid::Uuid;

use super::model::Team;
use crate::access::{Permission, authorize};
use crate::app::AppState;
use crate::http::{Json, Path, etag};
use crate::identity::Caller;
use crate::problem::{self, Result};

/// Read a team
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{workspace}/teams/{team}",
    operation_id = "teams.get",
    tag = "teams",
    security(("bearer" = [])),
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
        ("team" = Uuid, Path, description = "The team's id"),
    ),
    responses(
        (status = OK, description = "The team", body = Team, headers(("etag" = String, description = "Its version"))),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup,
    ),
)]
pub async fn get(
    caller: Caller,
    State(app): State<AppState>,
    Path((workspace, id)): Path<(Uuid, Uuid)>,
) -> Result<([(HeaderName, HeaderValue); 1], Json<Team>)> {
    let mut tx = app.database.begin_read(&caller.scope().in_workspace(workspace)).await?;
    authorize(&mut tx, &caller, workspace, Permission::MembersRead).await?;
    let team = Team::find(&mut tx, workspace, id).await?;
    Ok(([(header::ETAG, etag(team.version))], Json(team)))
}
