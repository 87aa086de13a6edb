//! `GET …/workspaces/{workspace}/service-accounts`

use axum::extract::State;
use uuid::Uuid;

use super::model::ServiceAccount;
use crate::access::{Permission, RoleName, authorize};
use crate::app::AppState;
use crate::http::{Json, Page, PageQuery, Path, Query};
use crate::identity::Caller;
use crate::problem::{self, Result};

/// List service accounts
///
/// The oldest first.
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{workspace}/service-accounts",
    operation_id = "service_accounts.list",
    tag = "workspaces",
    security(("bearer" = [])),
    params(("workspace" = Uuid, Path, description = "The workspace's id"), PageQuery),
    responses(
        (status = OK, description = "A page of service accounts", body = Page<ServiceAccount>),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup,
    ),
)]
pub async fn list(
    caller: Caller,
    State(app): State<AppState>,
    Path(workspace): Path<Uuid>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<ServiceAccount>>> {
    let after = query.after::<Uuid>()?;
    let mut tx = app.database.begin_read(&caller.scope().in_workspace(workspace)).await?;
    authorize(&mut tx, &caller, workspace, Permission::MembersRead).await?;
    let found = sqlx::query_as!(
        ServiceAccount,
        r#"SELECT a.id, a.workspace_id, a.name, m.role AS "role: RoleName", a.version, a.created_at, a.updated_at
           FROM service_accounts a JOIN workspace_members m ON m.workspace_id = a.workspace_id AND m.user_id = a.id
           WHERE a.workspace_id = $1 AND ($2::uuid IS NULL OR a.id > $2) ORDER BY a.id LIMIT $3"#,
        workspace,
        after,
        query.limit.and_one()
    )
    .fetch_all(&mut *tx)
    .await?;
    Ok(Json(Page::of(found, query.limit, |last| last.id)))
}
