//! Proof that an address is its user's: a code in a mail, given back together with the password.
//!
//! Why the password: anybody can register anybody's address. Were the code enough, whoever reads the mail would, by
//! opening a link, confirm an account whose password somebody else knows.

use axum::extract::State;
use axum::response::IntoResponse;
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;
use sqlx::PgConnection;
use utoipa::ToSchema;

use super::browser::{self, Mode};
use super::caller::UserSession;
use super::code::Code;
use super::guesses;
use super::letters::{self, Page, Reader};
use super::mailed_code::{self, Purpose, invalid};
use super::passwords::Fit;
use super::register::MailSent;
use super::registration::{self, Pending};
use super::session::Origin;
use super::sign_in::{self, SignedIn};
use super::user::{NewUser, User};
use crate::app::AppState;
use crate::audit::{self, Action, Event};
use crate::database::Scope;
use crate::http::Json;
use crate::mail::Template;
use crate::problem::{self, OnConstraint, Problem, Result};

/// Proof that an address is its user's.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EmailProof {
    /// The code in the mail.
    #[schema(max_length = 100, example = "7KQ2M-…")]
    code: String,
    /// The password that was chosen at registration.
    #[schema(format = "password", max_length = 256)]
    password: String,
}

/// Verify an e-mail address
///
/// Takes the code of the mail that registration sent, and the password, and signs in.
#[utoipa::path(
    post,
    path = "/api/v1/auth/verify-email",
    operation_id = "identity.email.verify",
    tag = "identity",
    params(browser::ModeHeader),
    request_body = EmailProof,
    responses(
        (status = 200, description = "Verified and signed in", body = SignedIn),
        problem::Always, problem::Body, problem::Guessed,
    ),
    extensions(("x-breakwater-limits" = json!(["sign-in"]))),
    security(()),
)]
pub async fn verify(
    State(app): State<AppState>,
    origin: Origin,
    mode: Mode,
    Json(proof): Json<EmailProof>,
) -> Result<impl IntoResponse> {
    let code = Code::read(&proof.code);
    let found = match &code {
        Some(code) => find(&app, code).await?,
        None => None,
    };
    // The code says whose password is guessed at.
    let guess = match &found {
        None => None,
        Some(found) => {
            let mut tx = app.database.begin(&Scope::identity()).await?;
            let guess = guesses::at_account(&mut tx, &app, found.email(), &origin).await?;
            tx.commit().await?;
            Some(guess)
        }
    };
    let hash = found.as_ref().map(|found| found.password_hash().to_owned());
    let fits = app.identity.hasher.verify(&proof.password, hash).await?;
    let found = found.filter(|_| fits != Fit::No).ok_or_else(invalid)?;
    let mut tx = app.database.begin(&Scope::identity()).await?;
    if let Some(guess) = guess {
        guess.was_right(&mut tx).await?;
    }
    let user = match found {
        Found::Registration(pending) => become_user(&mut tx, &pending).await?,
        Found::User { user, .. } => {
            let mailed = mailed_code::take(&mut tx, &proof.code, Purpose::VerifyEmail).await?;
            audit::record(&mut tx, Event::by_user(user.id, Action::EmailVerified)).await?;
            User::verify(&mut tx, user.id, &mailed.email).await?.ok_or_else(invalid)?
        }
    };
    let outcome = sign_in::with_first_factor(&mut tx, &app, user, &origin, mode, None).await?;
    tx.commit().await?;
    let signed_in = outcome.answer()?;
    Ok((signed_in.headers(&app)?, Json(signed_in)))
}

/// Send the verification mail again
#[utoipa::path(
    post,
    path = "/api/v1/me/verification",
    operation_id = "identity.email.resend",
    tag = "identity",
    responses(
        (status = 202, description = "A mail is on its way, unless there were many", body = MailSent),
        problem::Always, problem::InSession, problem::Conflicting,
    ),
    security(("bearer" = [])),
)]
pub async fn resend(State(app): State<AppState>, caller: UserSession) -> Result<impl IntoResponse> {
    let mut tx = app.database.begin(&Scope::identity()).await?;
    let user = User::lock(&mut tx, caller.user).await?.ok_or_else(Problem::invalid_token)?;
    if user.email_verified {
        return Err(Problem::conflict("The address is verified already."));
    }
    if mailed_code::may_be_sent(&mut tx, user.id, Purpose::VerifyEmail).await? {
        let language = User::language(&mut tx, user.id).await?;
        ask(&mut tx, &app, &user, &language).await?;
    }
    tx.commit().await?;
    Ok((StatusCode::ACCEPTED, Json(MailSent { next: "identity.email.verify" })))
}

/// Mails a code to a user whose address is not verified.
pub(super) async fn ask(
    connection: &mut PgConnection,
    app: &AppState,
    user: &User,
    language: &str,
) -> anyhow::Result<()> {
    let code = Code::new()?;
    let life = app.config.identity.verification_life;
    mailed_code::keep(connection, &code, Purpose::VerifyEmail, user.id, &user.email, life).await?;
    let data = json!({
        "link": Page::VerifyEmail.link(app, Some(&code)), "code": code.text(),
        "hours": (life.as_secs() / 3600).to_string(),
    });
    let reason = format!("verify {}", uuid::Uuid::now_v7());
    let reader = Reader { email: &user.email, language };
    letters::write(connection, app, reader, Template::VerifyAccount, &reason, data).await.map(drop)
}

/// What a code belongs to.
enum Found {
    Registration(Pending),
    User { user: User, password_hash: String },
}

impl Found {
    fn email(&self) -> &str {
        match self {
            Self::Registration(pending) => &pending.email,
            Self::User { user, .. } => &user.email,
        }
    }

    fn password_hash(&self) -> &str {
        match self {
            Self::Registration(pending) => &pending.password_hash,
            Self::User { password_hash, .. } => password_hash,
        }
    }
}

async fn find(app: &AppState, code: &Code) -> Result<Option<Found>> {
    let mut tx = app.database.begin_read(&Scope::identity()).await?;
    if let Some(pending) = registration::find(&mut tx, code).await? {
        return Ok(Some(Found::Registration(pending)));
    }
    let Ok(mailed) = mailed_code::find(&mut tx, &code.text(), Purpose::VerifyEmail).await else {
        return Ok(None);
    };
    let found = User::with_password(&mut tx, &mailed.email).await?;
    let found = found.filter(|(user, _)| user.id == mailed.user);
    Ok(found.map(|(user, password_hash)| Found::User { user, password_hash }))
}

/// Makes a user of a registration. Somebody else may have been faster with the same address.
async fn become_user(connection: &mut PgConnection, pending: &Pending) -> Result<User> {
    if !registration::take(&mut *connection, pending).await? {
        return Err(invalid());
    }
    let new = NewUser {
        email: &pending.email,
        display_name: pending.display_name.as_deref(),
        language: &pending.language,
        password_hash: Some(&pending.password_hash),
        verified: true,
    };
    let user = User::insert(&mut *connection, new).await.on_constraint("users_email_key", invalid)?;
    audit::record(connection, Event::by_user(user.id, Action::UserRegistered)).await?;
    Ok(user)
}
