//! `GET /api/v1/me/audit`

use axum::extract::State;

use super::entry::{AuditEvent, newest_of_user};
use crate::app::AppState;
use crate::http::{Json, Page, PageQuery, Query};
use crate::identity::UserSession;
use crate::problem::{self, Result};

/// List what happened to my account
///
/// Sign-ins, failed ones too, ended sessions and changes of the account, the newest first.
#[utoipa::path(
    get,
    path = "/api/v1/me/audit",
    operation_id = "audit.own",
    tag = "audit",
    security(("bearer" = [])),
    params(PageQuery),
    responses(
        (status = OK, description = "A page of events", body = Page<AuditEvent>),
        problem::Always, problem::InSession,
    ),
)]
pub async fn list(
    caller: UserSession,
    State(app): State<AppState>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<AuditEvent>>> {
    let before = query.after()?;
    let mut tx = app.database.begin_read(&caller.scope()).await?;
    let events = newest_of_user(&mut tx, caller.user, before, query.limit.and_one()).await?;
    Ok(Json(Page::of(events, query.limit, |last| last.id)))
}
