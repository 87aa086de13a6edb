//! `POST /api/v1/auth/refresh`: rotation with reuse detection (RFC 9700 section 4.14.2).

use axum::extract::{Form, FromRequest, Request, State};
use axum::response::IntoResponse;
use serde::Deserialize;
use utoipa::ToSchema;

use super::opaque::Opaque;
use super::session::{self, Refreshed};
use super::tokens::{NO_STORE, Tokens};
use crate::app::AppState;
use crate::audit::{self, Action, Event};
use crate::database::Scope;
use crate::http::{Json, has_media_type};
use crate::problem::{self, Problem, Result, kinds};

/// A refresh, as JSON.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefreshRequest {
    /// The newest refresh token of the session.
    refresh_token: String,
}

/// The same as a form, as RFC 6749 section 6 has it. Unknown parameters are ignored there (section 3.2).
#[derive(Deserialize, ToSchema)]
pub struct RefreshForm {
    /// Must be `refresh_token`.
    grant_type: String,
    /// The newest refresh token of the session.
    refresh_token: String,
}

/// Refresh tokens
///
/// Exchanges a refresh token for the next pair. A token is good once; for a few seconds after its use it gets the
/// same successor again, so that a racing client stays signed in. Any older token ends the session.
#[utoipa::path(
    post,
    path = "/api/v1/auth/refresh",
    operation_id = "identity.refresh",
    tag = "identity",
    request_body(content(
        (RefreshRequest = "application/json"),
        (RefreshForm = "application/x-www-form-urlencoded"),
    )),
    responses(
        (status = 200, description = "The next tokens", body = Tokens),
        problem::Always, problem::Body,
    ),
    extensions(("x-breakwater-limits" = json!(["sign-in"]))),
    security(()),
)]
pub async fn refresh(State(app): State<AppState>, request: Request) -> Result<impl IntoResponse> {
    let presented = presented(&app, request).await?;
    let refused = || Problem::new(&kinds::INVALID_GRANT).detail("Sign in again.");
    let presented = Opaque::read(&presented).ok_or_else(refused)?;
    let config = &app.config.identity;
    let mut tx = app.database.begin(&Scope::identity()).await?;
    let refreshed =
        session::refresh(&mut tx, &app.identity.refresh_key, &presented, config.session_life(), config.refresh_grace)
            .await?;
    match refreshed {
        Refreshed::Unknown => Err(refused()),
        Refreshed::Reused { user, session } => {
            let event = Event::by_anybody(Action::RefreshReused).of_user(user).about("session", session);
            audit::record(&mut tx, event.denied()).await?;
            tx.commit().await?;
            app.identity.changed();
            tracing::warn!(%session, "a replaced refresh token was used again; its session was ended");
            Err(refused())
        }
        Refreshed::Renewed { caller, token } => {
            tx.commit().await?;
            let tokens = Tokens::issue(&app, caller, &token).await?;
            Ok((NO_STORE, Json(tokens)))
        }
    }
}

async fn presented(app: &AppState, request: Request) -> Result<String> {
    if !has_media_type(request.headers(), |essence| essence == "application/x-www-form-urlencoded") {
        let Json(body) = Json::<RefreshRequest>::from_request(request, app).await?;
        return Ok(body.refresh_token);
    }
    let Form(form) =
        Form::<RefreshForm>::from_request(request, app).await.map_err(|rejection| match rejection.status() {
            http::StatusCode::PAYLOAD_TOO_LARGE => Problem::new(&kinds::PAYLOAD_TOO_LARGE),
            _ => Problem::bad_request("The form must hold grant_type and refresh_token."),
        })?;
    if form.grant_type != "refresh_token" {
        return Err(Problem::invalid_field("/grant_type", "const", "must be refresh_token"));
    }
    Ok(form.refresh_token)
}
