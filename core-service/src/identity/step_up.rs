//! Proving again who one is, before something that a stolen session must not do.

use axum::extract::State;
use axum::response::IntoResponse;
use http::{HeaderValue, StatusCode, header};
use serde::Deserialize;
use sqlx::PgConnection;
use utoipa::ToSchema;

use super::caller::UserSession;
use super::mfa::{self, Method};
use super::passkeys::{self, Assertion};
use super::passwords::{self, Fit};
use super::register::MailSent;
use super::user::User;
use super::{guesses, mailed_code, session};
use crate::app::AppState;
use crate::audit::{self, Action, Event};
use crate::database::Scope;
use crate::http::Json;
use crate::problem::{self, Problem, Result, kinds};

/// Proof of who is asking: a second factor by those who have one, the password by all others.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// The caller's password.
    #[serde(default)]
    #[schema(format = "password", max_length = 256)]
    password: Option<String>,
    /// How the second factor is given.
    #[serde(default)]
    #[schema(nullable = false)]
    method: Option<Method>,
    /// Its code.
    #[serde(default)]
    #[schema(max_length = 100)]
    code: Option<String>,
    /// Or a passkey's signature of a challenge of `auth/passkey/options`.
    #[serde(default)]
    #[schema(nullable = false)]
    passkey: Option<Assertion>,
}

/// Prove again who I am
///
/// For some minutes after this, as after signing in, the session may do what answers 401 `step-up-required` otherwise.
/// Those who have a second factor give `method` and `code`, or `passkey`; all others `password`.
#[utoipa::path(
    post,
    path = "/api/v1/auth/step-up",
    operation_id = "identity.step_up",
    tag = "identity",
    request_body = Proof,
    responses(
        (status = 204, description = "Proved"),
        problem::Always, problem::InSession, problem::Body, problem::Guessed,
    ),
    extensions(("x-breakwater-limits" = json!(["sign-in"]))),
    security(("bearer" = [])),
)]
pub async fn prove(State(app): State<AppState>, caller: UserSession, Json(proof): Json<Proof>) -> Result<StatusCode> {
    let mut looking = app.database.begin(&Scope::identity()).await?;
    let guess = guesses::by_user(&mut looking, &app, caller.user).await?;
    let factors = mfa::of_user(&mut looking, caller.user).await?;
    let hash = passwords::find(&mut looking, caller.user).await?;
    looking.commit().await?;
    // Before the transaction: hashing takes long, and a connection is dear.
    let fit = match &proof.password {
        Some(password) if !factors.any() => app.identity.hasher.verify(password, hash).await?,
        _ => Fit::No,
    };
    let mut tx = app.database.begin(&Scope::identity()).await?;
    if let Err(problem) = check(&mut tx, &app, &caller, proof, factors.any(), fit).await {
        drop(tx);
        let event = Event::by(&caller, Action::SteppedUp).failed();
        audit::record_alone(&app.database, &Scope::identity(), event).await?;
        return Err(problem);
    }
    guess.was_right(&mut tx).await?;
    session::authenticated(&mut tx, caller.session).await?;
    audit::record(&mut tx, Event::by(&caller, Action::SteppedUp)).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// An error unless the proof is right: a passkey, the second factor of those who have one, or the password.
async fn check(
    connection: &mut PgConnection,
    app: &AppState,
    caller: &UserSession,
    proof: Proof,
    has_factor: bool,
    fit: Fit,
) -> Result<()> {
    let missing = |field: &str| Problem::invalid_field(field, "required", "is required");
    if let Some(passkey) = &proof.passkey {
        if passkeys::prove(&mut *connection, app, passkey).await? != caller.user {
            return Err(mailed_code::invalid());
        }
        session::gave_factor(connection, caller.session).await?;
    } else if has_factor {
        let method = proof.method.ok_or_else(|| missing("/method"))?;
        let code = proof.code.ok_or_else(|| missing("/code"))?;
        let user = User::find(&mut *connection, caller.user).await?.ok_or_else(Problem::invalid_token)?;
        mfa::check(&mut *connection, app, &user, method, &code).await?;
        session::gave_factor(connection, caller.session).await?;
    } else {
        proof.password.ok_or_else(|| missing("/password"))?;
        if fit == Fit::No {
            return Err(Problem::invalid_field("/password", "wrong", "is not the password"));
        }
    }
    Ok(())
}

/// Have a code mailed to prove again who I am
///
/// For those whose second factor is their mailbox.
#[utoipa::path(
    post,
    path = "/api/v1/auth/step-up/email-code",
    operation_id = "identity.step_up.email_code",
    tag = "identity",
    responses(
        (status = 202, description = "A mail is on its way", body = MailSent),
        problem::Always, problem::InSession, problem::Conflicting, problem::Guessed,
    ),
    extensions(("x-breakwater-limits" = json!(["sign-in"]))),
    security(("bearer" = [])),
)]
pub async fn mail_code(State(app): State<AppState>, caller: UserSession) -> Result<impl IntoResponse> {
    let mut tx = app.database.begin(&Scope::identity()).await?;
    mfa::answer::send(&mut tx, &app, caller.user).await?;
    tx.commit().await?;
    Ok((StatusCode::ACCEPTED, Json(MailSent { next: "identity.step_up" })))
}

/// 401 unless the caller proved in this session, a short while ago, who they are (RFC 9470 section 3).
pub(crate) async fn require(connection: &mut PgConnection, app: &AppState, caller: &UserSession) -> Result<()> {
    let life = app.config.identity.step_up_life;
    if session::authenticated_within(connection, caller, life).await? {
        return Ok(());
    }
    let challenge = format!(
        "Bearer realm=\"breakwater\", error=\"insufficient_user_authentication\", max_age=\"{}\"",
        life.as_secs()
    );
    let challenge = HeaderValue::from_str(&challenge).map_err(Problem::internal)?;
    Err(Problem::new(&kinds::STEP_UP_REQUIRED)
        .detail("Prove who you are at auth/step-up and try again.")
        .header(header::WWW_AUTHENTICATE, challenge))
}
