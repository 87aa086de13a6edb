//! `/api/v1/me/mfa`: which second factors the caller has. What changes them needs a recent proof of who is asking.

use axum::extract::State;
use axum::response::IntoResponse;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgConnection;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Factors, devices, factor, of_user, recovery, totp};
use crate::app::AppState;
use crate::audit::{self, Action, Event};
use crate::database::{Scope, Tx};
use crate::http::Json;
use crate::identity::caller::UserSession;
use crate::identity::letters::{self, Page, Reader};
use crate::identity::tokens::NO_STORE;
use crate::identity::user::User;
use crate::identity::{guesses, mailed_code, session, step_up};
use crate::mail::Template;
use crate::problem::{self, Problem, Result, kinds};
use crate::vault::random;

/// RFC 4226 section 4, R6: 160 bits.
const SEED_BYTES: usize = 20;

/// The caller's second factors.
#[derive(Serialize, ToSchema)]
pub struct MfaState {
    /// Whether an authenticator app is one.
    totp: bool,
    /// Whether codes by mail are one.
    email: bool,
    /// How many passkeys there are (`identity.passkeys.list`).
    passkeys: i64,
    /// How many recovery codes are left.
    recovery_codes_left: i64,
}

/// What an authenticator app needs. It is shown once.
#[derive(Serialize, ToSchema)]
pub struct TotpSecret {
    /// The secret in base32, to type.
    secret: String,
    /// The same as a URI, for a QR code.
    uri: String,
}

/// A code of an authenticator app.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TotpCode {
    /// The code that the app shows.
    #[schema(max_length = 100, example = "492039")]
    code: String,
}

/// Recovery codes.
#[derive(Serialize, ToSchema)]
pub struct RecoveryCodes {
    /// Each is good once instead of another factor. They are shown this once; absent if there were some already.
    #[serde(skip_serializing_if = "Option::is_none")]
    recovery_codes: Option<Vec<String>>,
}

/// Read my second factors
#[utoipa::path(
    get,
    path = "/api/v1/me/mfa",
    operation_id = "identity.mfa.get",
    tag = "identity",
    responses((status = 200, description = "What there is", body = MfaState), problem::Always, problem::InSession),
    security(("bearer" = [])),
)]
pub async fn get(State(app): State<AppState>, caller: UserSession) -> Result<Json<MfaState>> {
    let mut tx = app.database.begin_read(&Scope::identity()).await?;
    Ok(Json(state(&mut tx, caller.user).await?))
}

/// What a user has, as they see it.
pub(in crate::identity) async fn state(
    connection: &mut PgConnection,
    user: Uuid,
) -> std::result::Result<MfaState, sqlx::Error> {
    let Factors { totp, email, passkeys, recovery_codes } = of_user(connection, user).await?;
    Ok(MfaState { totp, email, passkeys, recovery_codes_left: recovery_codes })
}

/// Begin with an authenticator app
///
/// It is a factor once a code has confirmed it (`identity.mfa.totp.confirm`). Needs a verified address.
#[utoipa::path(
    post,
    path = "/api/v1/me/mfa/totp",
    operation_id = "identity.mfa.totp.begin",
    tag = "identity",
    responses(
        (status = 201, description = "What the app needs", body = TotpSecret),
        problem::Always, problem::AuthorizedInSession, problem::Conflicting,
    ),
    security(("bearer" = [])),
)]
pub async fn begin_totp(State(app): State<AppState>, caller: UserSession) -> Result<impl IntoResponse> {
    let (mut tx, user) = begin(&app, &caller).await?;
    let seed: [u8; SEED_BYTES] = random().map_err(Problem::internal)?;
    if !factor::keep_totp(&mut tx, &app, user.id, &seed).await? {
        return Err(Problem::conflict("There is an authenticator app already. Remove it first."));
    }
    tx.commit().await?;
    let secret =
        TotpSecret { secret: totp::base32(&seed), uri: totp::uri(&app.config.mail.product, &user.email, &seed) };
    Ok((StatusCode::CREATED, NO_STORE, Json(secret)))
}

/// Confirm an authenticator app
///
/// From now on signing in demands a second factor. With the first one come recovery codes.
#[utoipa::path(
    post,
    path = "/api/v1/me/mfa/totp/confirm",
    operation_id = "identity.mfa.totp.confirm",
    tag = "identity",
    request_body = TotpCode,
    responses(
        (status = 200, description = "It is a factor", body = RecoveryCodes),
        problem::Always, problem::AuthorizedInSession, problem::Body, problem::Guessed,
    ),
    security(("bearer" = [])),
)]
pub async fn confirm_totp(
    State(app): State<AppState>,
    caller: UserSession,
    Json(given): Json<TotpCode>,
) -> Result<impl IntoResponse> {
    let mut looking = app.database.begin(&Scope::identity()).await?;
    let guess = guesses::by_user(&mut looking, &app, caller.user).await?;
    looking.commit().await?;
    let (mut tx, user) = begin(&app, &caller).await?;
    if !factor::confirm_totp(&mut tx, &app, user.id, &given.code).await? {
        return Err(mailed_code::invalid());
    }
    guess.was_right(&mut tx).await?;
    let recovery_codes = added(&mut tx, &app, &caller, &user, "totp").await?;
    tx.commit().await?;
    Ok((NO_STORE, Json(RecoveryCodes { recovery_codes })))
}

/// Remove the authenticator app
#[utoipa::path(
    delete,
    path = "/api/v1/me/mfa/totp",
    operation_id = "identity.mfa.totp.remove",
    tag = "identity",
    responses(
        (status = 204, description = "It is no factor any more"),
        problem::Always, problem::AuthorizedInSession, problem::Lookup,
    ),
    security(("bearer" = [])),
)]
pub async fn remove_totp(State(app): State<AppState>, caller: UserSession) -> Result<StatusCode> {
    remove(&app, &caller, "totp").await
}

/// Have codes mailed when I sign in
///
/// Weaker than an authenticator app: who has the mailbox can also reset the password. Needs a verified address.
#[utoipa::path(
    put,
    path = "/api/v1/me/mfa/email",
    operation_id = "identity.mfa.email.add",
    tag = "identity",
    responses(
        (status = 200, description = "The mailbox is a factor", body = RecoveryCodes),
        problem::Always, problem::AuthorizedInSession,
    ),
    security(("bearer" = [])),
)]
pub async fn add_email(State(app): State<AppState>, caller: UserSession) -> Result<impl IntoResponse> {
    let (mut tx, user) = begin(&app, &caller).await?;
    let recovery_codes = match factor::add_email(&mut tx, user.id).await? {
        true => added(&mut tx, &app, &caller, &user, "email").await?,
        false => None,
    };
    tx.commit().await?;
    Ok((NO_STORE, Json(RecoveryCodes { recovery_codes })))
}

/// Have no codes mailed any more
#[utoipa::path(
    delete,
    path = "/api/v1/me/mfa/email",
    operation_id = "identity.mfa.email.remove",
    tag = "identity",
    responses(
        (status = 204, description = "The mailbox is no factor any more"),
        problem::Always, problem::AuthorizedInSession, problem::Lookup,
    ),
    security(("bearer" = [])),
)]
pub async fn remove_email(State(app): State<AppState>, caller: UserSession) -> Result<StatusCode> {
    remove(&app, &caller, "email").await
}

/// Make new recovery codes
///
/// The old ones are good for nothing from now on.
#[utoipa::path(
    post,
    path = "/api/v1/me/mfa/recovery-codes",
    operation_id = "identity.mfa.recovery.renew",
    tag = "identity",
    responses(
        (status = 200, description = "The new codes", body = RecoveryCodes),
        problem::Always, problem::AuthorizedInSession, problem::Conflicting,
    ),
    security(("bearer" = [])),
)]
pub async fn renew_recovery(State(app): State<AppState>, caller: UserSession) -> Result<impl IntoResponse> {
    let (mut tx, user) = begin(&app, &caller).await?;
    if !of_user(&mut tx, user.id).await?.any() {
        return Err(Problem::conflict("There is no second factor to recover from."));
    }
    audit::record(&mut tx, Event::by(&caller, Action::RecoveryRenewed)).await?;
    let codes = RecoveryCodes { recovery_codes: Some(recovery::renew(&mut tx, user.id).await?) };
    tx.commit().await?;
    Ok((NO_STORE, Json(codes)))
}

/// A transaction for a change of the caller's factors, who has proved who they are and that the address is theirs. Changes
/// of one user come one after the other.
pub(in crate::identity) async fn begin(app: &AppState, caller: &UserSession) -> Result<(Tx, User)> {
    let mut tx = app.database.begin(&Scope::identity()).await?;
    step_up::require(&mut tx, app, caller).await?;
    let user = User::lock(&mut tx, caller.user).await?.ok_or_else(Problem::invalid_token)?;
    if !user.email_verified {
        return Err(Problem::new(&kinds::EMAIL_UNVERIFIED).detail("Verify your e-mail address first."));
    }
    Ok((tx, user))
}

/// What follows from a new factor: recovery codes with the first one, and a mail.
pub(in crate::identity) async fn added(
    connection: &mut PgConnection,
    app: &AppState,
    caller: &UserSession,
    user: &User,
    kind: &str,
) -> Result<Option<Vec<String>>> {
    let has = of_user(&mut *connection, user.id).await?;
    let recovery_codes = match has.recovery_codes {
        0 => Some(recovery::renew(&mut *connection, user.id).await?),
        _ => None,
    };
    session::gave_factor(&mut *connection, caller.session).await?;
    let event = Event::by(caller, Action::FactorAdded).with(json!({ "kind": kind }));
    audit::record(&mut *connection, event).await?;
    tell(connection, app, user, Template::MfaAdded).await?;
    Ok(recovery_codes)
}

/// What follows from the loss of a factor: recovery codes and trusted devices go with the last one, and a mail.
pub(in crate::identity) async fn removed(
    connection: &mut PgConnection,
    app: &AppState,
    caller: &UserSession,
    user: &User,
    kind: &str,
) -> Result<()> {
    let event = Event::by(caller, Action::FactorRemoved).with(json!({ "kind": kind }));
    audit::record(&mut *connection, event).await?;
    if !of_user(&mut *connection, user.id).await?.any() {
        recovery::remove(&mut *connection, user.id).await?;
        devices::remove_all(&mut *connection, user.id).await?;
    }
    tell(connection, app, user, Template::MfaRemoved).await?;
    Ok(())
}

async fn remove(app: &AppState, caller: &UserSession, kind: &str) -> Result<StatusCode> {
    let (mut tx, user) = begin(app, caller).await?;
    if !factor::remove(&mut tx, user.id, kind).await? {
        return Err(Problem::not_found());
    }
    removed(&mut tx, app, caller, &user, kind).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn tell(connection: &mut PgConnection, app: &AppState, user: &User, template: Template) -> anyhow::Result<()> {
    let language = User::language(&mut *connection, user.id).await?;
    let reader = Reader { email: &user.email, language: &language };
    let reason = format!("{} {}", template.name(), Uuid::now_v7());
    let data = json!({ "link": Page::ForgotPassword.link(app, None) });
    letters::write(connection, app, reader, template, &reason, data).await.map(drop)
}
