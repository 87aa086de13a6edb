//! `POST /api/v1/auth/logout`

use axum::extract::State;
use http::StatusCode;

use super::caller::Caller;
use super::session::{self, Because};
use crate::app::AppState;
use crate::problem::{self, Result};

/// Sign out
///
/// Ends the session that asks: its refresh token and its access tokens are refused from now on.
#[utoipa::path(
    post,
    path = "/api/v1/auth/logout",
    operation_id = "identity.logout",
    tag = "identity",
    responses((status = 204, description = "Signed out"), problem::Always, problem::Authenticated),
    security(("bearer" = [])),
)]
pub async fn logout(State(app): State<AppState>, caller: Caller) -> Result<StatusCode> {
    let mut tx = app.database.begin(&caller.scope()).await?;
    session::end(&mut tx, caller.session, caller.user, Because::Logout).await?;
    tx.commit().await?;
    app.identity.changed();
    Ok(StatusCode::NO_CONTENT)
}
