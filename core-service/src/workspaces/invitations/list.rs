//! `GET …/workspaces/{workspace}/invitations`

use axum::extract::State;
use uuid::Uuid;

use super::model::Invitation;
use crate::access::{Permission, RoleName, authorize};
use crate::app::AppState;
use crate::http::{Json, Page, PageQuery, Path, Query};
use crate::identity::Caller;
use crate::problem::{self, Result};

/// List invitations
///
/// The oldest first; those that are over, too, for a month.
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{workspace}/invitations",
    operation_id = "invitations.list",
    tag = "workspaces",
    security(("bearer" = [])),
    params(("workspace" = Uuid, Path, description = "The workspace's id"), PageQuery),
    responses(
        (status = OK, description = "A page of invitations", body = Page<Invitation>),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup,
    ),
)]
pub async fn list(
    caller: Caller,
    State(app): State<AppState>,
    Path(workspace): Path<Uuid>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<Invitation>>> {
    let after = query.after::<Uuid>()?;
    let mut tx = app.database.begin_read(&caller.scope().in_workspace(workspace)).await?;
    authorize(&mut tx, &caller, workspace, Permission::MembersManage).await?;
    let found = sqlx::query_as!(
        Invitation,
        r#"SELECT id, email, role AS "role: RoleName", teams, invited_by, created_at, expires_at
           FROM invitations WHERE workspace_id = $1 AND ($2::uuid IS NULL OR id > $2) ORDER BY id LIMIT $3"#,
        workspace,
        after,
        query.limit.and_one()
    )
    .fetch_all(&mut *tx)
    .await?;
    Ok(Json(Page::of(found, query.limit, |last| last.id)))
}
