//! `DELETE …/roles/{role}`

use axum::extract::State;
use http::StatusCode;
use serde_json::json;
use uuid::Uuid;

use super::model::Role;
use crate::access::{Permission, Permissions, RoleName, authorize};
use crate::app::AppState;
use crate::audit::{self, Action, Event};
use crate::http::{IfMatch, Path};
use crate::identity::Caller;
use crate::problem::{self, Problem, Result, kinds};

/// Delete a role
///
/// Only one that no member, team, invitation or grant has: otherwise the answer is `role-in-use`.
#[utoipa::path(
    delete,
    path = "/api/v1/workspaces/{workspace}/roles/{role}",
    operation_id = "roles.delete",
    tag = "access",
    security(("bearer" = [])),
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
        ("role" = RoleName, Path, description = "The role's name"),
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
    Path((workspace, name)): Path<(Uuid, RoleName)>,
    if_match: IfMatch,
) -> Result<StatusCode> {
    let mut tx = app.database.begin(&caller.scope().in_workspace(workspace)).await?;
    let access = authorize(&mut tx, &caller, workspace, Permission::RolesManage).await?;
    let role = Role::lock(&mut tx, workspace, &name).await?;
    access.cover(Permissions::named(&role.permissions))?;
    if_match.check(role.version)?;
    sqlx::query!("DELETE FROM roles WHERE workspace_id = $1 AND name = $2", workspace, name.as_str())
        .execute(&mut *tx)
        .await
        .map_err(in_use)?;
    let event = Event::by(&caller, Action::RoleDeleted).in_workspace(workspace).about("role", name.as_str());
    audit::record(&mut tx, event.with(json!({ "permissions": role.permissions }))).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A row that refers to the role stands in the way (SQLSTATE foreign_key_violation).
fn in_use(error: sqlx::Error) -> Problem {
    match error.as_database_error().and_then(|error| error.code()).as_deref() {
        Some("23503") => Problem::new(&kinds::ROLE_IN_USE),
        _ => error.into(),
    }
}
