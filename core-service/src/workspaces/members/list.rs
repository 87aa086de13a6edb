//! `GET …/workspaces/{workspace}/members`

use axum::extract::State;
use uuid::Uuid;

use super::model::{Member, Membership};
use crate::access::{Permission, RoleName, authorize};
use crate::app::AppState;
use crate::http::{Json, Page, PageQuery, Path, Query};
use crate::identity::Caller;
use crate::problem::{self, Result};

/// List a workspace's members
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{workspace}/members",
    operation_id = "members.list",
    tag = "workspaces",
    security(("bearer" = [])),
    params(("workspace" = Uuid, Path, description = "The workspace's id"), PageQuery),
    responses(
        (status = OK, description = "A page of members", body = Page<Member>),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup,
    ),
)]
pub async fn list(
    caller: Caller,
    State(app): State<AppState>,
    Path(workspace): Path<Uuid>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<Member>>> {
    let after = query.after::<Uuid>()?;
    let mut tx = app.database.begin_read(&caller.scope().in_workspace(workspace)).await?;
    authorize(&mut tx, &caller, workspace, Permission::MembersRead).await?;
    let found = sqlx::query_as!(
        Membership,
        r#"SELECT user_id, role AS "role: RoleName", version, created_at, updated_at
           FROM workspace_members WHERE workspace_id = $1 AND NOT service AND ($2::uuid IS NULL OR user_id > $2)
           ORDER BY user_id LIMIT $3"#,
        workspace,
        after,
        query.limit.and_one()
    )
    .fetch_all(&mut *tx)
    .await?;
    drop(tx);
    let page = Page::of(found, query.limit, |last| last.user_id);
    let items = Membership::members(&app.database, page.items).await?;
    Ok(Json(Page { items, next_cursor: page.next_cursor }))
}
