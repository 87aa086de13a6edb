//! `/api/v1/auth/sessions`: where a user is signed in.

use axum::extract::State;
use http::StatusCode;
use serde_json::json;
use uuid::Uuid;

use super::caller::UserSession;
use super::session::{self, Because, Session};
use crate::app::AppState;
use crate::audit::{self, Action, Event};
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
        problem::Always, problem::InSession,
    ),
    security(("bearer" = [])),
)]
pub async fn list(
    State(app): State<AppState>,
    caller: UserSession,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<Session>>> {
    let before = query.after()?;
    let mut tx = app.database.begin_read(&caller.scope()).await?;
    let most = query.limit.and_one();
    let sessions = session::list(&mut tx, caller.user, caller.session, before, most).await?;
    Ok(Json(Page::of(sessions, query.limit, |last| last.id)))
}

/// End all other sessions
///
/// All of the caller's own but the one that asks.
#[utoipa::path(
    delete,
    path = "/api/v1/auth/sessions",
    operation_id = "identity.sessions.end_others",
    tag = "identity",
    responses((status = 204, description = "Ended"), problem::Always, problem::InSession),
    security(("bearer" = [])),
)]
pub async fn end_others(State(app): State<AppState>, caller: UserSession) -> Result<StatusCode> {
    let mut tx = app.database.begin(&caller.scope()).await?;
    let ended = session::end_all(&mut tx, caller.user, Some(caller.session), Because::Revoked).await?;
    let event = Event::by(&caller, Action::SessionEnded).about("session", "others");
    audit::record(&mut tx, event.with(json!({ "because": Because::Revoked.word(), "count": ended }))).await?;
    tx.commit().await?;
    app.identity.changed();
    Ok(StatusCode::NO_CONTENT)
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
        problem::Always, problem::InSession, problem::Lookup,
    ),
    security(("bearer" = [])),
)]
pub async fn end(State(app): State<AppState>, caller: UserSession, Path(session): Path<Uuid>) -> Result<StatusCode> {
    let mut tx = app.database.begin(&caller.scope()).await?;
    if !session::end(&mut tx, session, caller.user, Because::Revoked).await? {
        return Err(Problem::not_found());
    }
    let event = Event::by(&caller, Action::SessionEnded).about("session", session);
    audit::record(&mut tx, event.with(json!({ "because": Because::Revoked.word() }))).await?;
    tx.commit().await?;
    app.identity.changed();
    Ok(StatusCode::NO_CONTENT)
}
