//! `GET /api/v1/workspaces`

use axum::extract::State;
use uuid::Uuid;

use super::model::{OwnWorkspace, Workspace};
use crate::access::Role;
use crate::app::AppState;
use crate::http::{Json, Page, PageQuery, Query};
use crate::identity::Caller;
use crate::problem::{self, Result};

/// List the caller's workspaces
///
/// The oldest first.
#[utoipa::path(
    get,
    path = "/api/v1/workspaces",
    operation_id = "workspaces.list",
    tag = "workspaces",
    security(("bearer" = [])),
    params(PageQuery),
    responses(
        (status = OK, description = "A page of workspaces", body = Page<OwnWorkspace>),
        problem::Always, problem::Authenticated,
    ),
)]
pub async fn list(
    caller: Caller,
    State(app): State<AppState>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<OwnWorkspace>>> {
    let after = query.after::<Uuid>()?;
    let mut tx = app.database.begin_read(&caller.scope()).await?;
    let found = sqlx::query!(
        r#"SELECT w.id, w.name, w.version, w.created_at, w.updated_at, m.role AS "role: Role"
           FROM workspace_members m JOIN workspaces w ON w.id = m.workspace_id
           WHERE m.user_id = $1 AND ($2::uuid IS NULL OR m.workspace_id > $2)
           ORDER BY m.workspace_id LIMIT $3"#,
        caller.user,
        after,
        query.limit.and_one()
    )
    .map(|row| OwnWorkspace {
        workspace: Workspace {
            id: row.id,
            name: row.name,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        },
        role: row.role,
    })
    .fetch_all(&mut *tx)
    .await?;
    Ok(Json(Page::of(found, query.limit, |last| last.workspace.id)))
}
