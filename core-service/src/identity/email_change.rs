//! Another address for an account: both addresses are told, and the new one has to answer.

use axum::extract::State;
use axum::response::IntoResponse;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgConnection;
use utoipa::ToSchema;
use uuid::Uuid;

use super::caller::UserSession;
use super::code::Code;
use super::letters::{self, Page, Reader};
use super::mailed_code::{self, Purpose, invalid};
use super::register::MailSent;
use super::step_up;
use super::user::{User, normalised};
use crate::app::AppState;
use crate::audit::{self, Action, Event};
use crate::database::Scope;
use crate::events::{self, Job, NewJob, Outcome};
use crate::http::Json;
use crate::mail::Template;
use crate::problem::{self, OnConstraint, Problem, Result};

pub(super) const QUEUE: &str = "identity.email-change-asked";

/// The address to use from now on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EmailChange {
    /// The new address.
    #[schema(format = "email", max_length = 254, example = "ada@example.net")]
    email: String,
}

/// Proof that the new address is the user's.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EmailConfirmation {
    /// The code in the mail to the new address.
    #[schema(max_length = 100, example = "7KQ2M-…")]
    code: String,
}

#[derive(Serialize, Deserialize)]
struct Asked {
    user: Uuid,
    email: String,
}

/// Change my e-mail address
///
/// The new address gets a code and the present one is told. The change happens when the code comes back
/// (`identity.email.confirm`). Needs a recent proof of who is asking (`identity.step_up`).
#[utoipa::path(
    post,
    path = "/api/v1/me/email",
    operation_id = "identity.email.change",
    tag = "identity",
    request_body = EmailChange,
    responses(
        (status = 202, description = "A mail to the new address says how it goes on", body = MailSent),
        problem::Always, problem::InSession, problem::Body,
    ),
    security(("bearer" = [])),
)]
pub async fn change(
    State(app): State<AppState>,
    caller: UserSession,
    Json(change): Json<EmailChange>,
) -> Result<impl IntoResponse> {
    let email = normalised(&change.email);
    if email.chars().count() > 254 {
        return Err(Problem::invalid_field("/email", "maxLength", "is too long in lower case"));
    }
    let mut tx = app.database.begin(&Scope::identity()).await?;
    step_up::require(&mut tx, &app, &caller).await?;
    mailed_code::withdraw(&mut tx, caller.user, Purpose::ChangeEmail).await?;
    audit::record(&mut tx, Event::by(&caller, Action::EmailChangeAsked)).await?;
    let asked = Asked { user: caller.user, email };
    events::ask(&mut tx, NewJob { queue: QUEUE, reason: None, payload: &asked }).await?;
    tx.commit().await?;
    Ok((StatusCode::ACCEPTED, Json(MailSent { next: "identity.email.confirm" })))
}

/// Tells both addresses. Whoever asked is not told that the new one has an account: its owner is.
pub(super) async fn answer(app: AppState, job: Job) -> Outcome {
    let asked: Asked = job.payload()?;
    let mut tx = app.database.begin(&Scope::identity()).await?;
    let Some(user) = User::lock(&mut tx, asked.user).await?.filter(|user| user.email != asked.email) else {
        return Ok(());
    };
    if !mailed_code::may_be_sent(&mut tx, user.id, Purpose::ChangeEmail).await? {
        return Ok(());
    }
    let language = User::language(&mut tx, user.id).await?;
    let data = json!({ "email": asked.email, "link": Page::ForgotPassword.link(&app, None) });
    let reason = format!("email change {} old", job.id);
    let old = Reader { email: &user.email, language: &language };
    if !letters::write(&mut tx, &app, old, Template::EmailChangeAsked, &reason, data).await? {
        return Ok(());
    }
    match User::by_email(&mut tx, &asked.email).await? {
        Some(other) => {
            let language = User::language(&mut tx, other.id).await?;
            letters::already_registered(&mut tx, &app, Reader { email: &other.email, language: &language }).await?;
        }
        None => mail_code(&mut tx, &app, &user, Reader { email: &asked.email, language: &language }).await?,
    }
    tx.commit().await?;
    Ok(())
}

async fn mail_code(connection: &mut PgConnection, app: &AppState, user: &User, new: Reader<'_>) -> anyhow::Result<()> {
    let code = Code::new()?;
    let life = app.config.identity.verification_life;
    mailed_code::keep(connection, &code, Purpose::ChangeEmail, user.id, new.email, life).await?;
    let data = json!({
        "link": Page::ConfirmEmail.link(app, Some(&code)), "code": code.text(), "email": new.email,
        "hours": (life.as_secs() / 3600).to_string(),
    });
    let reason = format!("email change {}", Uuid::now_v7());
    letters::write(connection, app, new, Template::ConfirmEmail, &reason, data).await.map(drop)
}

/// Confirm a new e-mail address
///
/// Takes the code that was mailed to it.
#[utoipa::path(
    post,
    path = "/api/v1/auth/confirm-email",
    operation_id = "identity.email.confirm",
    tag = "identity",
    request_body = EmailConfirmation,
    responses(
        (status = 204, description = "The account uses the new address"),
        problem::Always, problem::Body,
    ),
    extensions(("x-breakwater-limits" = json!(["sign-in"]))),
    security(()),
)]
pub async fn confirm(State(app): State<AppState>, Json(given): Json<EmailConfirmation>) -> Result<StatusCode> {
    let mut tx = app.database.begin(&Scope::identity()).await?;
    let mailed = mailed_code::take(&mut tx, &given.code, Purpose::ChangeEmail).await?;
    let before = User::lock(&mut tx, mailed.user).await?.ok_or_else(invalid)?;
    let language = User::language(&mut tx, mailed.user).await?;
    User::set_email(&mut tx, before.id, &mailed.email).await.on_constraint("users_email_key", invalid)?;
    mailed_code::withdraw_all(&mut tx, before.id).await?;
    audit::record(&mut tx, Event::by_user(before.id, Action::EmailChanged)).await?;
    let data = json!({ "email": mailed.email, "old_email": before.email });
    for email in [&before.email, &mailed.email] {
        let reason = format!("email changed {}", Uuid::now_v7());
        let reader = Reader { email, language: &language };
        letters::write(&mut tx, &app, reader, Template::EmailChanged, &reason, data.clone()).await?;
    }
    tx.commit().await?;
    tracing::info!(user = %before.id, "an e-mail address was changed");
    Ok(StatusCode::NO_CONTENT)
}
