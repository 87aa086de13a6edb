//! `GET …/workspaces/{workspace}/teams`

use axum::extract::State;
use uuid::Uuid;

use super::model::Team;
use crate::access::{Permission, RoleName, authorize};
use crate::app::AppState;
use crate::http::{Json, Page, PageQuery, Path, Query};
use crate::identity::Caller;
use crate::problem::{self, Result};

/// List teams
///
/// The oldest first.
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{workspace}/teams",
    operation_id = "teams.list",
    tag = "teams",
    security(("bearer" = [])),
    params(("workspace" = Uuid, Path, description = "The workspace's id"), PageQuery),
    responses(
        (status = OK, description = "A page of teams", body = Page<Team>),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup,
    ),
)]
pub async fn list(
    caller: Caller,
    State(app): State<AppState>,
    Path(workspace): Path<Uuid>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<Team>>> {
    let after = query.after::<Uuid>()?;
    let mut tx = app.database.begin_read(&caller.scope().in_workspace(workspace)).await?;
    authorize(&mut tx, &caller, workspace, Permission::MembersRead).await?;
    let found = sqlx::query_as!(
        Team,
        r#"SELECT id, name, role AS "role: RoleName", version, created_at, updated_at
           FROM teams WHERE workspace_id = $1 AND ($2::uuid IS NULL OR id > $2) ORDER BY id LIMIT $3"#,
        workspace,
        after,
        query.limit.and_one()
    )
    .fetch_all(&mut *tx)
    .await?;
    Ok(Json(Page::of(found, query.limit, |last| last.id)))
}
