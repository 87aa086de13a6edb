//! `POST /api/v1/auth/login`

use axum::extract::State;
use axum::response::IntoResponse;
use http::HeaderMap;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::browser::{self, Mode};
use super::guesses;
use super::passwords::{self, Fit};
use super::session::Origin;
use super::sign_in::{self, SignedIn};
use super::user::{User, normalised};
use crate::app::AppState;
use crate::audit::{self, Action, Event};
use crate::database::Scope;
use crate::http::Json;
use crate::problem::{self, Problem, Result};

/// What somebody signs in with.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    /// The address they registered with.
    #[schema(max_length = 254, example = "ada@example.org")]
    email: String,
    /// Their password.
    #[schema(format = "password", max_length = 256)]
    password: String,
    /// The token of a device that was trusted (`identity.mfa.answer`): no second factor is asked for.
    #[serde(default)]
    #[schema(max_length = 100)]
    device_token: Option<String>,
}

/// Sign in
///
/// Begins a session, or answers 401 `mfa-required`, whose `mfa` says how to go on. An unknown address and a wrong password are answered alike, after the same
/// work.
#[utoipa::path(
    post,
    path = "/api/v1/auth/login",
    operation_id = "identity.login",
    tag = "identity",
    params(browser::ModeHeader),
    request_body = Credentials,
    responses(
        (status = 200, description = "Signed in", body = SignedIn),
        problem::Always, problem::Body, problem::Authenticated, problem::Guessed,
    ),
    extensions(("x-breakwater-limits" = json!(["sign-in"]))),
    security(()),
)]
pub async fn login(
    State(app): State<AppState>,
    origin: Origin,
    mode: Mode,
    headers: HeaderMap,
    Json(credentials): Json<Credentials>,
) -> Result<impl IntoResponse> {
    let email = normalised(&credentials.email);
    let mut looking = app.database.begin(&Scope::identity()).await?;
    let guess = guesses::at_account(&mut looking, &app, &email, &origin).await?;
    let found = User::with_password(&mut looking, &email).await?;
    looking.commit().await?;
    let (user, hash) = found.unzip();
    let fits = app.identity.hasher.verify(&credentials.password, hash.clone()).await?;
    let known = user.as_ref().map(|user| user.id);
    let Some(user) = user.filter(|_| fits != Fit::No) else {
        note_failure(&app, known).await?;
        return Err(Problem::invalid_credentials());
    };
    let stronger = match fits {
        Fit::Outdated => Some(app.identity.hasher.hash(&credentials.password).await?),
        _ => None,
    };
    let mut tx = app.database.begin(&Scope::identity()).await?;
    if let (Some(weaker), Some(stronger)) = (hash, stronger) {
        passwords::strengthen(&mut tx, user.id, &weaker, &stronger).await?;
    }
    guess.was_right(&mut tx).await?;
    let device = mode.device(&app, &headers, credentials.device_token);
    let outcome = sign_in::with_first_factor(&mut tx, &app, user, &origin, mode, device.as_deref()).await?;
    tx.commit().await?;
    let signed_in = outcome.answer()?;
    Ok((signed_in.headers(&app)?, Json(signed_in)))
}

/// The same work for an address that nobody has. Which it was is not told: people type passwords there, too.
async fn note_failure(app: &AppState, known: Option<Uuid>) -> Result<()> {
    let mut event = Event::by_anybody(Action::LoginFailed).failed();
    if let Some(user) = known {
        event = event.of_user(user);
    }
    audit::record_alone(&app.database, &Scope::identity(), event).await
}
