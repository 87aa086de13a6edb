//! `POST /api/v1/auth/refresh`: rotation with reuse detection (RFC 9700 section 4.14.2).

use axum::body::Body;
use axum::extract::{Form, FromRequest, Request, State};
use axum::response::IntoResponse;
use http::request::Parts;
use serde::Deserialize;
use utoipa::ToSchema;

use super::browser::{self, Mode};
use super::cookies;
use super::opaque::Opaque;
use super::session::{self, Refreshed};
use super::tokens::Grant;
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
/// same successor again, so that a racing client stays signed in. Any older token ends the session. With `X-Session-Mode:
/// cookie` the token is in its cookie and there is no body; `X-CSRF-Token` is wanted.
#[utoipa::path(
    post,
    path = "/api/v1/auth/refresh",
    operation_id = "identity.refresh",
    tag = "identity",
    params(browser::ModeHeader),
    request_body(content(
        (RefreshRequest = "application/json"),
        (RefreshForm = "application/x-www-form-urlencoded"),
    )),
    responses(
        (status = 200, description = "The next tokens", body = Grant),
        problem::Always, problem::Body,
    ),
    extensions(("x-breakwater-limits" = json!(["sign-in"]))),
    security(()),
)]
pub async fn refresh(State(app): State<AppState>, mode: Mode, request: Request) -> Result<impl IntoResponse> {
    let (head, body) = request.into_parts();
    let presented = match mode {
        Mode::Bearer => presented(&app, Request::from_parts(head.clone(), body)).await?,
        Mode::Cookies => in_cookie(&app, &head, body).await?,
    };
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
            if mode == Mode::Cookies {
                browser::admit(&app, &head, &browser::hash(&browser::csrf_token(&app, caller.session)))?;
            }
            tx.commit().await?;
            let grant = Grant::issue(&app, caller, &token, mode).await?;
            Ok((grant.headers(&app)?, Json(grant)))
        }
    }
}

/// The token of a session in cookies. A second one in the body is refused: of two, none is chosen.
async fn in_cookie(app: &AppState, head: &Parts, body: Body) -> Result<String> {
    let body = crate::http::body(Request::from_parts(head.clone(), body), app).await?;
    if !body.is_empty() {
        return Err(Problem::bad_request("With X-Session-Mode: cookie the token is in the cookie. Send no body."));
    }
    let token = cookies::REFRESH.read(app, &head.headers);
    token.ok_or_else(|| Problem::new(&kinds::INVALID_GRANT).detail("There is no session's cookie. Sign in."))
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
