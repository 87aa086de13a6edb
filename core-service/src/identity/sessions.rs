//! `/api/v1/auth/sessions`: where a user is signed in.

use axum::extract::State;
use http::StatusCode;
use uuid::Uuid;

use super::caller::Caller;
use super::session::{self, Because, Session};
use crate::app::AppState;
use crate::http::{Json, Page, PageQuery, Path, Query};
use crate::problem::{self, Problem, Result};

/// List sessions
///
/// The caller's living sessions, newest first.
#[utoipa::path(
    get,
    path = "/api/v1/auth/sessions",
    operation_id = "identity.sessions.list",
    tag = "identity",
    params(PageQuery),
    responses(
        (status = 200, description = "A page of sessions", body = Page<Session>),
        problem::Always, problem::Authenticated,
    ),
    security(("bearer" = [])),
)]
pub async fn list(
    State(app): State<AppState>,
    caller: Caller,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<Session>>> {
    let before = query.cursor.map(|cursor| cursor.position()).transpose()?;
    let mut tx = app.database.begin_read(&caller.scope()).await?;
    let most = query.limit.and_one();
    let sessions = session::list(&mut tx, caller.user, caller.session, before, most).await?;
    Ok(Json(Page::of(sessions, query.limit, |last| last.id)))
}

/// End a session
///
/// One of the caller's own. Its refresh token and its access tokens are refused from now on.
#[utoipa::path(
    delete,
    path = "/api/v1/auth/sessions/{session}",
    operation_id = "identity.sessions.end",
    tag = "identity",
    params(("session" = Uuid, Path, description = "The session")),
    responses(
        (status = 204, description = "Ended"),
        problem::Always, problem::Authenticated, problem::Lookup,
    ),
    security(("bearer" = [])),
)]
pub async fn end(State(app): State<AppState>, caller: Caller, Path(session): Path<Uuid>) -> Result<StatusCode> {
    let mut tx = app.database.begin(&caller.scope()).await?;
    if !session::end(&mut tx, session, caller.user, Because::Revoked).await? {
        return Err(Problem::not_found());
    }
    tx.commit().await?;
    app.identity.changed();
    Ok(StatusCode::NO_CONTENT)
}
