//! `POST …/workspaces/{workspace}/roles`

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::model::Role;
use crate::access::{Permission, Permissions, RoleName, authorize};
use crate::app::AppState;
use crate::audit::{self, Action, Event};
use crate::http::{Attempt, Idempotency, Json, Path, created};
use crate::identity::Caller;
use crate::problem::{self, OnConstraint, Problem, Result, kinds};

/// A role to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRole {
    /// Its name, which never changes.
    name: RoleName,
    /// What it is for.
    #[schema(min_length = 1, max_length = 500)]
    description: Option<String>,
    /// What it allows. What makes no sense without something else brings it along.
    permissions: Vec<Permission>,
}

/// Create a role
///
/// Who creates one has every permission in it. `workspace:read` is in every role.
#[utoipa::path(
    post,
    path = "/api/v1/workspaces/{workspace}/roles",
    operation_id = "roles.create",
    tag = "access",
    security(("bearer" = [])),
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes repeating safe"),
    ),
    request_body = NewRole,
    responses(
        (status = CREATED, description = "The role", body = Role, headers(
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
    Json(new): Json<NewRole>,
) -> Result<Response> {
    let mut tx = match idempotency.begin(&app, &caller.scope().in_workspace(workspace)).await? {
        Attempt::Repeated(answer) => return Ok(answer),
        Attempt::First(tx) => tx,
    };
    let access = authorize(&mut tx, &caller, workspace, Permission::RolesManage).await?;
    let taken = || Problem::new(&kinds::NAME_TAKEN).detail("Another role of this workspace has this name.");
    if new.name.is_built_in() {
        return Err(taken());
    }
    let permissions = whole(new.permissions);
    access.cover(permissions)?;
    let role = sqlx::query_as!(
        Role,
        r#"INSERT INTO roles (workspace_id, name, description, permissions) VALUES ($1, $2, $3, $4)
           RETURNING name AS "name: RoleName", description, permissions, false AS "built_in!", version, created_at,
             updated_at"#,
        workspace,
        new.name.as_str(),
        new.description,
        &permissions.names()[..]
    )
    .fetch_one(&mut **tx)
    .await
    .on_constraint("roles_pkey", taken)?;
    let event = Event::by(&caller, Action::RoleCreated).in_workspace(workspace).about("role", role.name.as_str());
    audit::record(&mut tx, event.with(json!({ "permissions": role.permissions }))).await?;
    let location = format!("/api/v1/workspaces/{workspace}/roles/{}", role.name.as_str());
    tx.commit(created(location, role.version, role)).await
}

/// With all that follows, and what every member has.
pub(crate) fn whole(permissions: Vec<Permission>) -> Permissions {
    permissions.into_iter().chain([Permission::WorkspaceRead]).collect::<Permissions>().with_implied()
}
