//! `/api/v1/auth/passkey`: signing in with nothing else.

use axum::extract::State;
use axum::response::IntoResponse;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::json;
use sqlx::PgConnection;
use utoipa::ToSchema;
use uuid::Uuid;

use super::ceremony::{self, AuthenticatorData, Ceremony};
use super::credential::{Assertion, bytes, refused};
use super::{RelyingParty, challenge, row};
use crate::app::AppState;
use crate::database::Scope;
use crate::http::Json;
use crate::identity::browser::{self, Mode};
use crate::identity::mfa::answer;
use crate::identity::session::Origin;
use crate::identity::sign_in::{self, SignedIn};
use crate::identity::tokens::NO_STORE;
use crate::identity::user::User;
use crate::problem::{self, Result};

/// A passkey's signature.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasskeySignIn {
    /// What `navigator.credentials.get()` gave, as its `toJSON()` writes it.
    credential: Assertion,
}

/// Ask for a challenge to sign in with
///
/// What `PublicKeyCredential.parseRequestOptionsFromJSON()` takes. It is the same for everybody: the passkey says who it is.
#[utoipa::path(
    post,
    path = "/api/v1/auth/passkey/options",
    operation_id = "identity.passkey.options",
    tag = "identity",
    responses(
        (status = 200, description = "Options for navigator.credentials.get()", body = Value),
        problem::Always,
    ),
    extensions(("x-breakwater-limits" = json!(["sign-in"]))),
    security(()),
)]
pub async fn options(State(app): State<AppState>) -> Result<impl IntoResponse> {
    let mut tx = app.database.begin(&Scope::identity()).await?;
    let challenge = challenge::begin(&mut tx, None).await?;
    tx.commit().await?;
    let options = json!({
        "challenge": challenge,
        "rpId": RelyingParty::of(&app.config).id,
        "allowCredentials": [],
        "userVerification": "required",
        "timeout": challenge::LIFE.as_millis() as u64,
    });
    Ok((NO_STORE, axum::Json(options)))
}

/// Sign in with a passkey
///
/// It has verified its user, so no password and no second factor are asked for.
#[utoipa::path(
    post,
    path = "/api/v1/auth/passkey",
    operation_id = "identity.passkey.sign_in",
    tag = "identity",
    params(browser::ModeHeader),
    request_body = PasskeySignIn,
    responses(
        (status = 200, description = "Signed in", body = SignedIn),
        problem::Always, problem::Body, problem::Authenticated,
    ),
    extensions(("x-breakwater-limits" = json!(["sign-in"]))),
    security(()),
)]
pub async fn sign_in(
    State(app): State<AppState>,
    origin: Origin,
    mode: Mode,
    Json(given): Json<PasskeySignIn>,
) -> Result<impl IntoResponse> {
    let mut tx = app.database.begin(&Scope::identity()).await?;
    let user = match prove(&mut tx, &app, &given.credential).await {
        Ok(user) => user,
        Err(problem) => {
            drop(tx);
            answer::note_failure(&app, None, "passkey").await?;
            return Err(problem);
        }
    };
    let user = User::find(&mut tx, user).await?.ok_or_else(refused)?;
    let signed_in = sign_in::with_factor(&mut tx, &app, user, &origin, mode).await?;
    tx.commit().await?;
    Ok((signed_in.headers(&app)?, Json(signed_in)))
}

/// Whose passkey signed a challenge of ours, which is used up; 401 if nobody's did.
pub(in crate::identity) async fn prove(
    connection: &mut PgConnection,
    app: &AppState,
    given: &Assertion,
) -> Result<Uuid> {
    let party = RelyingParty::of(&app.config);
    let (client_data, data) = (bytes(&given.response.client_data)?, bytes(&given.response.authenticator_data)?);
    let signed = ceremony::challenge(&party, Ceremony::Get, &client_data).ok_or_else(refused)?;
    challenge::take(&mut *connection, &signed, None).await?;
    let read = AuthenticatorData::read(&data).filter(|data| data.is_good(&party)).ok_or_else(refused)?;
    let known = row::lock(&mut *connection, &bytes(&given.raw_id)?).await?.ok_or_else(refused)?;
    let claimed =
        given.response.user_handle.as_deref().map(|handle| handle == URL_SAFE_NO_PAD.encode(known.user.as_bytes()));
    let good = claimed != Some(false)
        && ceremony::is_signed(&known.public_key, &data, &client_data, &bytes(&given.response.signature)?);
    if !good {
        return Err(refused());
    }
    // Section 6.1.1: a counter that does not rise tells of a copy.
    let count = i64::from(read.sign_count);
    if (count != 0 || known.sign_count != 0) && count <= known.sign_count {
        tracing::warn!(passkey = %known.id, "a passkey's counter did not rise: there may be a copy of it");
        return Err(refused());
    }
    row::used(connection, known.id, read.sign_count).await?;
    Ok(known.user)
}
