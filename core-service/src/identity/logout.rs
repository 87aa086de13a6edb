//! `POST /api/v1/auth/logout`

use axum::extract::State;
use http::{HeaderMap, StatusCode};
use serde_json::json;

use super::caller::UserSession;
use super::session::{self, Because};
use super::tokens::cleared;
use crate::app::AppState;
use crate::audit::{self, Action, Event};
use crate::problem::{self, Result};

/// Sign out
///
/// Ends the session that asks: its refresh token and its access tokens are refused from now on, and cookies are taken back.
#[utoipa::path(
    post,
    path = "/api/v1/auth/logout",
    operation_id = "identity.logout",
    tag = "identity",
    responses((status = 204, description = "Signed out"), problem::Always, problem::InSession),
    security(("bearer" = [])),
)]
pub async fn logout(
    State(app): State<AppState>,
    caller: UserSession,
    headers: HeaderMap,
) -> Result<(StatusCode, HeaderMap)> {
    let mut tx = app.database.begin(&caller.scope()).await?;
    if session::end(&mut tx, caller.session, caller.user, Because::Logout).await? {
        let event = Event::by(&caller, Action::SessionEnded).about("session", caller.session);
        audit::record(&mut tx, event.with(json!({ "because": Because::Logout.word() }))).await?;
    }
    tx.commit().await?;
    app.identity.changed();
    Ok((StatusCode::NO_CONTENT, cleared(&app, &headers)?))
}
