//! `POST /api/v1/auth/register`

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::browser::{self, Mode};
use super::passwords::policy::{self, About};
use super::registration::{self, New};
use super::session::Origin;
use super::sign_in::{self, SignedIn};
use super::tokens::NO_STORE;
use super::user::{NewUser as NewRow, User, normalised};
use super::verify_email;
use crate::app::AppState;
use crate::audit::{self, Action, Event};
use crate::config::EmailVerification;
use crate::database::Scope;
use crate::http::{Attempt, Idempotency, IdempotentTransaction, Json};
use crate::problem::{self, OnConstraint, Problem, Result, kinds};

/// A new user.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewUser {
    /// An address that nobody has registered.
    #[schema(format = "email", max_length = 254, example = "ada@example.org")]
    email: String,
    /// At least 8 characters; the longer, the better. What is often used, or was in a breach, is refused.
    #[schema(format = "password", min_length = 8, max_length = 256)]
    password: String,
    /// How they want to be called.
    #[schema(min_length = 1, max_length = 200)]
    display_name: Option<String>,
}

/// What comes next, when a mail was sent or would have been.
#[derive(Serialize, ToSchema)]
pub struct MailSent {
    /// The operation that takes the code in the mail.
    #[schema(example = "identity.email.verify")]
    pub(super) next: &'static str,
}

/// Register
///
/// Where addresses have to be verified first (`identity.email_verification`), the answer is 202 and the same for every
/// address: what follows is told by mail. Otherwise the user is registered and signed in, and gets a mail to
/// verify the address with.
#[utoipa::path(
    post,
    path = "/api/v1/auth/register",
    operation_id = "identity.register",
    tag = "identity",
    request_body = NewUser,
    responses(
        (status = 201, description = "Registered and signed in", body = SignedIn),
        (status = 202, description = "A mail says how it goes on", body = MailSent),
        problem::Always, problem::Body, problem::Conflicting,
    ),
    params(
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless"),
        browser::ModeHeader,
    ),
    extensions(("x-breakwater-limits" = json!(["sign-in"]))),
    security(()),
)]
pub async fn register(
    State(app): State<AppState>,
    idempotency: Idempotency,
    origin: Origin,
    mode: Mode,
    Json(new): Json<NewUser>,
) -> Result<Response> {
    let email = normalised(&new.email);
    if email.chars().count() > 254 {
        return Err(Problem::invalid_field("/email", "maxLength", "is too long in lower case"));
    }
    let about = About { email: &email, display_name: new.display_name.as_deref() };
    policy::check(&app, "/password", &new.password, about).await?;
    // Before the transaction: hashing takes long, and a connection is dear.
    let hash = app.identity.hasher.hash(&new.password).await?;
    let tx = match idempotency.begin(&app, &Scope::identity()).await? {
        Attempt::Repeated(answer) => return Ok(answer),
        Attempt::First(tx) => tx,
    };
    let new = NewRow {
        email: &email,
        display_name: new.display_name.as_deref(),
        language: origin.language,
        password_hash: Some(&hash),
        verified: false,
    };
    match app.config.identity.email_verification {
        EmailVerification::Required => keep(&app, tx, new, &hash).await,
        EmailVerification::Optional => insert(&app, tx, new, &origin, mode).await,
    }
}

async fn keep(app: &AppState, mut tx: IdempotentTransaction, new: NewRow<'_>, hash: &str) -> Result<Response> {
    let registration = New {
        email: new.email,
        display_name: new.display_name,
        language: new.language,
        password_hash: hash,
        life: app.config.identity.verification_life,
    };
    registration::keep(&mut tx, registration).await?;
    tx.commit((StatusCode::ACCEPTED, NO_STORE, Json(MailSent { next: "identity.email.verify" }))).await
}

async fn insert(
    app: &AppState,
    mut tx: IdempotentTransaction,
    new: NewRow<'_>,
    origin: &Origin,
    mode: Mode,
) -> Result<Response> {
    let language = new.language;
    let user =
        User::insert(&mut tx, new).await.on_constraint("users_email_key", || Problem::new(&kinds::EMAIL_TAKEN))?;
    audit::record(&mut tx, Event::by_user(user.id, Action::UserRegistered)).await?;
    verify_email::ask(&mut tx, app, &user, language).await?;
    let outcome = sign_in::with_first_factor(&mut tx, app, user, origin, mode, None).await?;
    let signed_in = outcome.answer()?;
    tx.commit((StatusCode::CREATED, signed_in.headers(app)?, Json(signed_in))).await
}
