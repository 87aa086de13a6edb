//! `GET /api/v1/workspaces`

use axum::extract::State;
use sqlx::PgConnection;
use uuid::Uuid;

use super::model::{OwnWorkspace, Workspace};
use crate::access::RoleName;
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
    let found = of_user(&mut tx, caller.user, after, query.limit.and_one()).await?;
    Ok(Json(Page::of(found, query.limit, |last| last.workspace.id)))
}

/// The workspaces that a user is a member of, the oldest first, after `after`.
pub(crate) async fn of_user(
    connection: &mut PgConnection,
    user: Uuid,
    after: Option<Uuid>,
    most: i64,
) -> std::result::Result<Vec<OwnWorkspace>, sqlx::Error> {
    sqlx::query!(
        r#"SELECT w.id, w.name, w.mfa_required, w.version, w.created_at, w.updated_at, m.role AS "role: RoleName"
           FROM workspace_members m JOIN workspaces w ON w.id = m.workspace_id
           WHERE m.user_id = $1 AND ($2::uuid IS NULL OR m.workspace_id > $2)
           ORDER BY m.workspace_id LIMIT $3"#,
        user,
        after,
        most
    )
    .map(|row| OwnWorkspace {
        workspace: Workspace {
            id: row.id,
            name: row.name,
            mfa_required: row.mfa_required,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        },
        role: row.role,
    })
    .fetch_all(connection)
    .await
}
