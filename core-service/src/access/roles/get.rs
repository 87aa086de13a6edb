//! `GET …/roles/{role}`

use axum::extract::State;
use http::{HeaderName, HeaderValue, header};
use uuid::Uuid;

use super::model::Role;
use crate::access::{Permission, RoleName, authorize};
use crate::app::AppState;
use crate::http::{Json, Path, etag};
use crate::identity::Caller;
use crate::problem::{self, Result};

/// Read a role
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{workspace}/roles/{role}",
    operation_id = "roles.get",
    tag = "access",
    security(("bearer" = [])),
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
        ("role" = RoleName, Path, description = "The role's name"),
    ),
    responses(
        (status = OK, description = "The role", body = Role, headers(("etag" = String, description = "Its version"))),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup,
    ),
)]
pub async fn get(
    caller: Caller,
    State(app): State<AppState>,
    Path((workspace, name)): Path<(Uuid, RoleName)>,
) -> Result<([(HeaderName, HeaderValue); 1], Json<Role>)> {
    let mut tx = app.database.begin_read(&caller.scope().in_workspace(workspace)).await?;
    authorize(&mut tx, &caller, workspace, Permission::MembersRead).await?;
    let role = Role::find(&mut tx, workspace, &name).await?;
    Ok(([(header::ETAG, etag(role.version))], Json(role)))
}
