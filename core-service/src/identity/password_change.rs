//! `POST /api/v1/me/password`

use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::caller::UserSession;
use super::guesses;
use super::letters::{self, Reader};
use super::mailed_code;
use super::mfa;
use super::passwords::policy::{self, About};
use super::passwords::{self, Fit};
use super::session::{self, Because, Origin};
use super::user::User;
use crate::app::AppState;
use crate::audit::{self, Action, Event};
use crate::database::Scope;
use crate::http::Json;
use crate::problem::{self, Problem, Result};

/// A new password instead of the present one.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordChange {
    /// The present password.
    #[schema(format = "password", max_length = 256)]
    current_password: String,
    /// The new one.
    #[schema(format = "password", min_length = 8, max_length = 256)]
    new_password: String,
}

/// Change my password
///
/// Ends all other sessions of the caller and makes codes useless that are under way by mail.
#[utoipa::path(
    post,
    path = "/api/v1/me/password",
    operation_id = "identity.password.change",
    tag = "identity",
    request_body = PasswordChange,
    responses(
        (status = 204, description = "The password is the new one"),
        problem::Always, problem::InSession, problem::Body, problem::Conflicting, problem::Guessed,
    ),
    extensions(("x-breakwater-limits" = json!(["sign-in"]))),
    security(("bearer" = [])),
)]
pub async fn change(
    State(app): State<AppState>,
    caller: UserSession,
    origin: Origin,
    Json(change): Json<PasswordChange>,
) -> Result<StatusCode> {
    let mut reading = app.database.begin_read(&Scope::identity()).await?;
    let user = User::find(&mut reading, caller.user).await?.ok_or_else(Problem::invalid_token)?;
    let known = passwords::find(&mut reading, caller.user).await?;
    drop(reading);
    let about = About { email: &user.email, display_name: user.display_name.as_deref() };
    policy::check(&app, "/new_password", &change.new_password, about).await?;
    let mut looking = app.database.begin(&Scope::identity()).await?;
    let guess = guesses::by_user(&mut looking, &app, caller.user).await?;
    looking.commit().await?;
    if app.identity.hasher.verify(&change.current_password, known.clone()).await? == Fit::No {
        return Err(Problem::invalid_field("/current_password", "wrong", "is not the present password"));
    }
    let hash = app.identity.hasher.hash(&change.new_password).await?;
    let mut tx = app.database.begin(&Scope::identity()).await?;
    if passwords::lock(&mut tx, user.id).await? != known {
        return Err(Problem::conflict("The password was changed meanwhile."));
    }
    guess.was_right(&mut tx).await?;
    passwords::replace(&mut tx, user.id, &hash).await?;
    session::end_all(&mut tx, user.id, Some(caller.session), Because::Password).await?;
    mfa::devices::remove_all(&mut tx, user.id).await?;
    mfa::challenge::withdraw_all(&mut tx, user.id).await?;
    mailed_code::withdraw_all(&mut tx, user.id).await?;
    audit::record(&mut tx, Event::by(&caller, Action::PasswordChanged)).await?;
    let reader = Reader { email: &user.email, language: origin.language };
    letters::password_changed(&mut tx, &app, reader).await?;
    tx.commit().await?;
    app.identity.changed();
    tracing::info!(user = %user.id, "a password was changed");
    Ok(StatusCode::NO_CONTENT)
}
