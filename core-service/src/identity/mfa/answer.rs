//! `POST /api/v1/auth/mfa`: the second step of signing in.

use axum::extract::State;
use axum::response::IntoResponse;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Method, challenge, devices, email_code};
use crate::app::AppState;
use crate::audit::{self, Action, Event};
use crate::database::Scope;
use crate::http::Json;
use crate::identity::browser::{self, Mode};
use crate::identity::register::MailSent;
use crate::identity::session::Origin;
use crate::identity::sign_in::{self, SignedIn};
use crate::identity::user::User;
use crate::identity::{cookies, guesses};
use crate::problem::{self, Problem, Result};

/// A second factor.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SecondFactor {
    /// `mfa.challenge` of the problem that signing in answered.
    #[schema(max_length = 100)]
    challenge: String,
    /// How the factor is given: one of `mfa.methods`.
    method: Method,
    /// The code.
    #[schema(max_length = 100, example = "492039")]
    code: String,
    /// Whether this device is not to be asked again for a while.
    #[serde(default)]
    remember_device: bool,
}

/// Which sign-in a code is wanted for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CodeRequest {
    /// `mfa.challenge` of the problem that signing in answered.
    #[schema(max_length = 100)]
    challenge: String,
}

/// Who signed in with a second factor, and their tokens.
#[derive(Serialize, ToSchema)]
pub struct SignedInWithFactor {
    #[serde(flatten)]
    signed_in: SignedIn,
    /// With `remember_device`: give it as `device_token` when signing in, and no second factor is asked for. For cookies it
    /// is one, too.
    #[serde(skip_serializing_if = "Option::is_none")]
    device_token: Option<String>,
}

/// Give a second factor
///
/// The second step of signing in, after `auth/login` answered 401 `mfa-required`.
#[utoipa::path(
    post,
    path = "/api/v1/auth/mfa",
    operation_id = "identity.mfa.answer",
    tag = "identity",
    params(browser::ModeHeader),
    request_body = SecondFactor,
    responses(
        (status = 200, description = "Signed in", body = SignedInWithFactor),
        problem::Always, problem::Body, problem::Authenticated, problem::Guessed,
    ),
    extensions(("x-breakwater-limits" = json!(["sign-in"]))),
    security(()),
)]
pub async fn answer(
    State(app): State<AppState>,
    origin: Origin,
    mode: Mode,
    Json(given): Json<SecondFactor>,
) -> Result<impl IntoResponse> {
    let mut looking = app.database.begin(&Scope::identity()).await?;
    let user = challenge::find(&mut looking, &given.challenge).await?;
    let guess = guesses::by_user(&mut looking, &app, user).await?;
    looking.commit().await?;
    let mut tx = app.database.begin(&Scope::identity()).await?;
    let user = User::find(&mut tx, user).await?.ok_or_else(Problem::invalid_credentials)?;
    if let Err(problem) = super::check(&mut tx, &app, &user, given.method, &given.code).await {
        drop(tx);
        note_failure(&app, Some(user.id), "code").await?;
        return Err(problem);
    }
    challenge::take(&mut tx, &given.challenge).await?;
    guess.was_right(&mut tx).await?;
    let device = match given.remember_device {
        true => Some(devices::trust(&mut tx, &app, user.id, &origin).await?.text()),
        false => None,
    };
    let signed_in = sign_in::with_factor(&mut tx, &app, user, &origin, mode).await?;
    tx.commit().await?;
    let mut headers = signed_in.headers(&app)?;
    let device_token = match (mode, device) {
        (Mode::Cookies, Some(token)) => {
            let (name, value) = cookies::DEVICE.set(&app, &token, app.config.identity.trusted_device_life)?;
            headers.append(name, value);
            None
        }
        (_, token) => token,
    };
    Ok((headers, Json(SignedInWithFactor { signed_in, device_token })))
}

/// Notes a sign-in that failed at its second factor or its passkey.
pub(in crate::identity) async fn note_failure(app: &AppState, user: Option<Uuid>, factor: &str) -> Result<()> {
    let mut event = Event::by_anybody(Action::LoginFailed).failed().with(json!({ "factor": factor }));
    if let Some(user) = user {
        event = event.of_user(user);
    }
    audit::record_alone(&app.database, &Scope::identity(), event).await
}

/// Have a code mailed for this sign-in
///
/// For those whose second factor is their mailbox.
#[utoipa::path(
    post,
    path = "/api/v1/auth/mfa/email-code",
    operation_id = "identity.mfa.email_code",
    tag = "identity",
    request_body = CodeRequest,
    responses(
        (status = 202, description = "A mail is on its way", body = MailSent),
        problem::Always, problem::Body, problem::Authenticated, problem::Conflicting, problem::Guessed,
    ),
    extensions(("x-breakwater-limits" = json!(["sign-in"]))),
    security(()),
)]
pub async fn mail_code(State(app): State<AppState>, Json(request): Json<CodeRequest>) -> Result<impl IntoResponse> {
    let mut tx = app.database.begin(&Scope::identity()).await?;
    let user = challenge::find(&mut tx, &request.challenge).await?;
    send(&mut tx, &app, user).await?;
    tx.commit().await?;
    Ok((StatusCode::ACCEPTED, Json(MailSent { next: "identity.mfa.answer" })))
}

/// Mails a code to a user whose mailbox is a factor.
pub(in crate::identity) async fn send(connection: &mut sqlx::PgConnection, app: &AppState, user: Uuid) -> Result<()> {
    if !super::of_user(&mut *connection, user).await?.email {
        return Err(Problem::conflict("The mailbox is no second factor of this account."));
    }
    let user = User::find(&mut *connection, user).await?.ok_or_else(Problem::invalid_credentials)?;
    email_code::send(connection, app, &user).await
}
