//! `GET …/workspaces/{workspace}/roles`

use axum::extract::State;
use uuid::Uuid;

use super::model::Role;
use crate::access::{Permission, RoleName, authorize};
use crate::app::AppState;
use crate::http::{Json, Page, PageQuery, Path, Query};
use crate::identity::Caller;
use crate::problem::{self, Result};

/// List roles
///
/// Built-in ones and the workspace's own, by name.
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{workspace}/roles",
    operation_id = "roles.list",
    tag = "access",
    security(("bearer" = [])),
    params(("workspace" = Uuid, Path, description = "The workspace's id"), PageQuery),
    responses(
        (status = OK, description = "A page of roles", body = Page<Role>),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup,
    ),
)]
pub async fn list(
    caller: Caller,
    State(app): State<AppState>,
    Path(workspace): Path<Uuid>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<Role>>> {
    let after = query.after::<RoleName>()?;
    let mut tx = app.database.begin_read(&caller.scope().in_workspace(workspace)).await?;
    authorize(&mut tx, &caller, workspace, Permission::MembersRead).await?;
    let found = sqlx::query_as!(
        Role,
        r#"SELECT name AS "name!: RoleName", description, permissions AS "permissions!", built_in AS "built_in!",
                  version AS "version!", created_at, updated_at
           FROM (
               SELECT name, description, permissions, false AS built_in, version, created_at, updated_at
               FROM roles WHERE workspace_id = $1
               UNION ALL
               SELECT name, NULL, breakwater_builtin_permissions(name), true, 1, NULL, NULL FROM unnest($4::text[]) name
           ) both_kinds
           WHERE $2::text IS NULL OR name COLLATE "C" > $2 ORDER BY name COLLATE "C" LIMIT $3"#,
        workspace,
        after.as_ref().map(RoleName::as_str),
        query.limit.and_one(),
        &RoleName::BUILT_IN.map(str::to_owned)[..]
    )
    .fetch_all(&mut *tx)
    .await?;
    Ok(Json(Page::of(found, query.limit, |last| last.name.clone())))
}
