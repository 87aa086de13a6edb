//! `/api/v1/me/invitations`: for users who have verified the address that was invited.

use axum::extract::State;
use uuid::Uuid;

use super::accept::join;
use super::model::Invited;
use crate::access::RoleName;
use crate::app::AppState;
use crate::http::{Json, Page, PageQuery, Path, Query};
use crate::identity::UserSession;
use crate::problem::{self, Problem, Result};
use crate::workspaces::model::OwnWorkspace;

/// List invitations to me
///
/// Those to the caller's address, once it is verified; the oldest first.
#[utoipa::path(
    get,
    path = "/api/v1/me/invitations",
    operation_id = "invitations.own.list",
    tag = "workspaces",
    security(("bearer" = [])),
    params(PageQuery),
    responses(
        (status = OK, description = "A page of invitations", body = Page<Invited>),
        problem::Always, problem::InSession,
    ),
)]
pub async fn list(
    caller: UserSession,
    State(app): State<AppState>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<Invited>>> {
    let after = query.after::<Uuid>()?;
    let mut tx = app.database.begin_read(&caller.scope()).await?;
    let found = sqlx::query_as!(
        Invited,
        r#"SELECT id AS "id!", workspace_id AS "workspace!", workspace_name AS "workspace_name!", email AS "email!",
                  role AS "role!: RoleName", expires_at AS "expires_at!"
           FROM breakwater_invited() WHERE $1::uuid IS NULL OR id > $1 ORDER BY id LIMIT $2"#,
        after,
        query.limit.and_one()
    )
    .fetch_all(&mut *tx)
    .await?;
    Ok(Json(Page::of(found, query.limit, |last| last.id)))
}

/// Accept an invitation to me
///
/// The caller has verified the address that was invited, and so needs no code.
#[utoipa::path(
    post,
    path = "/api/v1/me/invitations/{invitation}/accept",
    operation_id = "invitations.own.accept",
    tag = "workspaces",
    security(("bearer" = [])),
    params(("invitation" = Uuid, Path, description = "The invitation's id")),
    responses(
        (status = OK, description = "The workspace", body = OwnWorkspace),
        problem::Always, problem::InSession, problem::Lookup, problem::Conflicting,
    ),
)]
pub async fn accept(
    caller: UserSession,
    State(app): State<AppState>,
    Path(id): Path<Uuid>,
) -> Result<Json<OwnWorkspace>> {
    let tx = app.database.begin(&caller.scope()).await?;
    join(tx, &caller, id).await?.map(Json).ok_or_else(Problem::not_found)
}
