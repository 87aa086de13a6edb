//! A forgotten password: a code by mail, good once and for minutes, and then a new password.
//!
//! Who asks is told nothing of whether there is such an account: a worker finds out. A reset signs nobody in, so
//! it leaves every further step of signing in as it was.

use axum::extract::State;
use axum::response::IntoResponse;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::code::Code;
use super::guesses;
use super::letters::{self, Page, Reader};
use super::mailed_code::{self, Purpose};
use super::mfa;
use super::passwords;
use super::passwords::policy::{self, About};
use super::register::MailSent;
use super::session::{self, Because, Origin};
use super::user::{User, normalised};
use crate::app::AppState;
use crate::audit::{self, Action, Event};
use crate::database::Scope;
use crate::events::{self, Job, NewJob, Outcome};
use crate::http::Json;
use crate::mail::Template;
use crate::problem::{self, Problem, Result};

pub(super) const QUEUE: &str = "identity.reset-asked";

/// Whose password is forgotten.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResetRequest {
    /// The address that they registered with.
    #[schema(format = "email", max_length = 254, example = "ada@example.org")]
    email: String,
}

/// A new password instead of a forgotten one.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reset {
    /// The code in the mail.
    #[schema(max_length = 100, example = "7KQ2M-…")]
    code: String,
    /// The new password.
    #[schema(format = "password", min_length = 8, max_length = 256)]
    new_password: String,
}

#[derive(Serialize, Deserialize)]
struct Asked {
    email: String,
}

/// Ask for a password reset
///
/// The answer is the same for every address. If it has an account, a mail with a code is sent.
#[utoipa::path(
    post,
    path = "/api/v1/auth/password-reset",
    operation_id = "identity.reset.ask",
    tag = "identity",
    request_body = ResetRequest,
    responses(
        (status = 202, description = "A mail says how it goes on", body = MailSent),
        problem::Always, problem::Body,
    ),
    extensions(("x-breakwater-limits" = json!(["sign-in"]))),
    security(()),
)]
pub async fn ask(State(app): State<AppState>, Json(request): Json<ResetRequest>) -> Result<impl IntoResponse> {
    let mut tx = app.database.begin(&Scope::identity()).await?;
    let asked = Asked { email: normalised(&request.email) };
    events::ask(&mut tx, NewJob { queue: QUEUE, reason: None, payload: &asked }).await?;
    tx.commit().await?;
    Ok((StatusCode::ACCEPTED, Json(MailSent { next: "identity.reset.confirm" })))
}

/// Mails a code, if there is such an account.
pub(super) async fn answer(app: AppState, job: Job) -> Outcome {
    let Asked { email } = job.payload()?;
    let mut tx = app.database.begin(&Scope::identity()).await?;
    let Some(user) = User::by_email(&mut tx, &email).await? else { return Ok(()) };
    // Several may be asked for at once: they are counted one after the other.
    User::lock(&mut tx, user.id).await?;
    if !mailed_code::may_be_sent(&mut tx, user.id, Purpose::ResetPassword).await? {
        tracing::warn!(user = %user.id, "too many password resets are asked for; no mail is sent");
        return Ok(());
    }
    let code = Code::new().map_err(anyhow::Error::from)?;
    let life = app.config.identity.reset_life;
    mailed_code::keep(&mut tx, &code, Purpose::ResetPassword, user.id, &email, life).await?;
    let data = json!({
        "link": Page::ResetPassword.link(&app, Some(&code)), "code": code.text(),
        "minutes": (life.as_secs() / 60).to_string(),
    });
    let language = User::language(&mut tx, user.id).await?;
    let reader = Reader { email: &email, language: &language };
    // The job's id: another attempt at it is the same mail, and its code is not kept.
    if letters::write(&mut tx, &app, reader, Template::ResetPassword, &format!("reset {}", job.id), data).await? {
        audit::record(&mut tx, Event::by_anybody(Action::PasswordResetAsked).of_user(user.id)).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Reset a password
///
/// Takes the code of the mail. Every session of the user ends, and nobody is signed in: what signing in demands
/// besides the password it demands still.
#[utoipa::path(
    post,
    path = "/api/v1/auth/password-reset/confirm",
    operation_id = "identity.reset.confirm",
    tag = "identity",
    request_body = Reset,
    responses(
        (status = 204, description = "The password is the new one"),
        problem::Always, problem::Body,
    ),
    extensions(("x-breakwater-limits" = json!(["sign-in"]))),
    security(()),
)]
pub async fn confirm(State(app): State<AppState>, origin: Origin, Json(reset): Json<Reset>) -> Result<StatusCode> {
    let mut reading = app.database.begin_read(&Scope::identity()).await?;
    let mailed = mailed_code::find(&mut reading, &reset.code, Purpose::ResetPassword).await?;
    let user = User::find(&mut reading, mailed.user).await?.ok_or_else(mailed_code::invalid)?;
    drop(reading);
    let about = About { email: &user.email, display_name: user.display_name.as_deref() };
    policy::check(&app, "/new_password", &reset.new_password, about).await?;
    let hash = app.identity.hasher.hash(&reset.new_password).await?;
    let mut tx = app.database.begin(&Scope::identity()).await?;
    let mailed = mailed_code::take(&mut tx, &reset.code, Purpose::ResetPassword).await?;
    passwords::replace(&mut tx, mailed.user, &hash).await?;
    // The code came by this address.
    let user = User::verify(&mut tx, mailed.user, &mailed.email).await?.ok_or_else(Problem::not_found)?;
    // Whoever holds the code is known here from now on: no stranger can use up their guesses.
    guesses::remember(&mut tx, &app, user.id, &origin).await?;
    session::end_all(&mut tx, user.id, None, Because::Password).await?;
    mfa::devices::remove_all(&mut tx, user.id).await?;
    mfa::challenge::withdraw_all(&mut tx, user.id).await?;
    mailed_code::withdraw_all(&mut tx, user.id).await?;
    audit::record(&mut tx, Event::by_user(user.id, Action::PasswordReset)).await?;
    let reader = Reader { email: &user.email, language: origin.language };
    letters::password_changed(&mut tx, &app, reader).await?;
    tx.commit().await?;
    app.identity.changed();
    tracing::info!(user = %user.id, "a password was reset");
    Ok(StatusCode::NO_CONTENT)
}
