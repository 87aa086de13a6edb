//! `PATCH …/roles/{role}`

use axum::extract::State;
use http::{HeaderName, HeaderValue, header};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::model::Role;
use super::whole;
use crate::access::{Permission, Permissions, RoleName, authorize};
use crate::app::AppState;
use crate::audit::{self, Action, Event};
use crate::http::{IfMatch, Json, Patch, Path, etag};
use crate::identity::Caller;
use crate::problem::{self, Result};

/// What changes in a role (JSON Merge Patch, RFC 7396).
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RolePatch {
    /// What it is for; null removes it.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 500)]
    description: Patch<String>,
    /// What it allows.
    #[schema(nullable = false)]
    permissions: Option<Vec<Permission>>,
}

/// Change a role
///
/// Whoever has it may do something else with their next request. Who changes it has every permission that is in it before
/// and after. Built-in roles never change (409).
#[utoipa::path(
    patch,
    path = "/api/v1/workspaces/{workspace}/roles/{role}",
    operation_id = "roles.change",
    tag = "access",
    security(("bearer" = [])),
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
        ("role" = RoleName, Path, description = "The role's name"),
        ("If-Match" = Option<String>, Header, description = "The version that is to change"),
    ),
    request_body(content((RolePatch = "application/merge-patch+json"), (RolePatch = "application/json"))),
    responses(
        (status = OK, description = "The role", body = Role, headers(("etag" = String, description = "Its version"))),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup, problem::Body,
        problem::Conflicting, problem::Conditional,
    ),
)]
pub async fn change(
    caller: Caller,
    State(app): State<AppState>,
    Path((workspace, name)): Path<(Uuid, RoleName)>,
    if_match: IfMatch,
    Json(patch): Json<RolePatch>,
) -> Result<([(HeaderName, HeaderValue); 1], Json<Role>)> {
    let mut tx = app.database.begin(&caller.scope().in_workspace(workspace)).await?;
    let access = authorize(&mut tx, &caller, workspace, Permission::RolesManage).await?;
    let before = Role::lock(&mut tx, workspace, &name).await?;
    let present = Permissions::named(&before.permissions);
    let permissions = patch.permissions.map_or(present, whole);
    access.cover(present.or(permissions))?;
    if_match.check(before.version)?;
    let role = sqlx::query_as!(
        Role,
        r#"UPDATE roles SET description = $3, permissions = $4, version = version + 1, updated_at = now()
           WHERE workspace_id = $1 AND name = $2
           RETURNING name AS "name: RoleName", description, permissions, false AS "built_in!", version, created_at,
             updated_at"#,
        workspace,
        name.as_str(),
        patch.description.or(before.description),
        &permissions.names()[..]
    )
    .fetch_one(&mut *tx)
    .await?;
    let event = Event::by(&caller, Action::RoleChanged).in_workspace(workspace).about("role", name.as_str());
    let changed = json!({ "permissions": { "from": before.permissions, "to": role.permissions } });
    audit::record(&mut tx, event.with(changed)).await?;
    tx.commit().await?;
    Ok(([(header::ETAG, etag(role.version))], Json(role)))
}
