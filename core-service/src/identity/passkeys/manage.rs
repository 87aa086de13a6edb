//! `/api/v1/me/passkeys`: the caller's own.

use axum::extract::State;
use axum::response::IntoResponse;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::PgConnection;
use utoipa::ToSchema;
use uuid::Uuid;

use super::ceremony::{self, AuthenticatorData, Ceremony};
use super::credential::{Registration, bytes, refused};
use super::row::{self, Passkey};
use super::{RelyingParty, challenge, cose};
use crate::app::AppState;
use crate::database::Scope;
use crate::http::{Json, Page, PageQuery, Path, Query};
use crate::identity::caller::UserSession;
use crate::identity::mfa::enrol;
use crate::identity::tokens::NO_STORE;
use crate::identity::ways_in;
use crate::problem::{self, OnConstraint, Problem, Result};

/// A new passkey.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPasskey {
    /// What to call it.
    #[schema(min_length = 1, max_length = 100, example = "My phone")]
    name: String,
    /// What `navigator.credentials.create()` gave, as its `toJSON()` writes it.
    credential: Registration,
}

/// The new passkey, and recovery codes if it is the first second factor.
#[derive(Serialize, ToSchema)]
pub struct AddedPasskey {
    #[serde(flatten)]
    passkey: Passkey,
    /// Each is good once instead of another factor. They are shown this once; absent if there were some already.
    #[serde(skip_serializing_if = "Option::is_none")]
    recovery_codes: Option<Vec<String>>,
}

/// Begin with a passkey
///
/// What `PublicKeyCredential.parseCreationOptionsFromJSON()` takes. Needs a verified address and a recent proof of who is
/// asking (`identity.step_up`).
#[utoipa::path(
    post,
    path = "/api/v1/me/passkeys/options",
    operation_id = "identity.passkeys.options",
    tag = "identity",
    responses(
        (status = 200, description = "Options for navigator.credentials.create()", body = Value),
        problem::Always, problem::AuthorizedInSession,
    ),
    security(("bearer" = [])),
)]
pub async fn options(State(app): State<AppState>, caller: UserSession) -> Result<impl IntoResponse> {
    let (mut tx, user) = enrol::begin(&app, &caller).await?;
    let challenge = challenge::begin(&mut tx, Some(user.id)).await?;
    let there = row::credentials(&mut tx, user.id).await?;
    tx.commit().await?;
    let exclude: Vec<Value> =
        there.iter().map(|id| json!({ "type": "public-key", "id": URL_SAFE_NO_PAD.encode(id) })).collect();
    let options = json!({
        "challenge": challenge,
        "rp": { "id": RelyingParty::of(&app.config).id, "name": app.config.mail.product },
        "user": {
            "id": URL_SAFE_NO_PAD.encode(user.id.as_bytes()),
            "name": user.email,
            "displayName": user.display_name.as_deref().unwrap_or(&user.email),
        },
        "pubKeyCredParams": cose::ALGORITHMS.map(|alg| json!({ "type": "public-key", "alg": alg })),
        "excludeCredentials": exclude,
        "authenticatorSelection": { "residentKey": "required", "requireResidentKey": true, "userVerification": "required" },
        "attestation": "none",
        "timeout": challenge::LIFE.as_millis() as u64,
    });
    Ok((NO_STORE, axum::Json(options)))
}

/// Add a passkey
///
/// From now on it signs in alone (`identity.passkey.sign_in`), and a password alone does not.
#[utoipa::path(
    post,
    path = "/api/v1/me/passkeys",
    operation_id = "identity.passkeys.add",
    tag = "identity",
    request_body = NewPasskey,
    responses(
        (status = 201, description = "Added", body = AddedPasskey),
        problem::Always, problem::AuthorizedInSession, problem::Body, problem::Conflicting,
    ),
    security(("bearer" = [])),
)]
pub async fn add(
    State(app): State<AppState>,
    caller: UserSession,
    Json(new): Json<NewPasskey>,
) -> Result<impl IntoResponse> {
    let party = RelyingParty::of(&app.config);
    let (client_data, data) =
        (bytes(&new.credential.response.client_data)?, bytes(&new.credential.response.authenticator_data)?);
    let signed = ceremony::challenge(&party, Ceremony::Create, &client_data).ok_or_else(refused)?;
    let data = AuthenticatorData::read(&data).filter(|data| data.is_good(&party)).ok_or_else(refused)?;
    let credential = data.new_credential().ok_or_else(refused)?;
    let (mut tx, user) = enrol::begin(&app, &caller).await?;
    challenge::take(&mut tx, &signed, Some(user.id)).await?;
    let passkey = row::insert(&mut tx, user.id, &new.name, &credential, data.sign_count)
        .await
        .on_constraint("passkeys_credential_key", || Problem::conflict("This passkey is there already."))?;
    let recovery_codes = enrol::added(&mut tx, &app, &caller, &user, "passkey").await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, NO_STORE, Json(AddedPasskey { passkey, recovery_codes })))
}

/// List my passkeys
#[utoipa::path(
    get,
    path = "/api/v1/me/passkeys",
    operation_id = "identity.passkeys.list",
    tag = "identity",
    params(PageQuery),
    responses(
        (status = 200, description = "A page of passkeys", body = Page<Passkey>),
        problem::Always, problem::InSession,
    ),
    security(("bearer" = [])),
)]
pub async fn list(
    State(app): State<AppState>,
    caller: UserSession,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<Passkey>>> {
    let after = query.after::<Uuid>()?;
    let mut tx = app.database.begin_read(&Scope::identity()).await?;
    let passkeys = row::list(&mut tx, caller.user, after, query.limit.and_one()).await?;
    Ok(Json(Page::of(passkeys, query.limit, |last| last.id)))
}

/// Remove a passkey
#[utoipa::path(
    delete,
    path = "/api/v1/me/passkeys/{passkey}",
    operation_id = "identity.passkeys.remove",
    tag = "identity",
    params(("passkey" = Uuid, Path, description = "The passkey")),
    responses(
        (status = 204, description = "It signs nobody in any more"),
        problem::Always, problem::AuthorizedInSession, problem::Lookup, problem::Conflicting,
    ),
    security(("bearer" = [])),
)]
pub async fn remove(State(app): State<AppState>, caller: UserSession, Path(id): Path<Uuid>) -> Result<StatusCode> {
    let (mut tx, user) = enrol::begin(&app, &caller).await?;
    if !row::remove(&mut tx, user.id, id).await? {
        return Err(Problem::not_found());
    }
    ways_in::require_one(&mut tx, &app, user.id).await?;
    enrol::removed(&mut tx, &app, &caller, &user, "passkey").await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// All passkeys of a user.
pub(in crate::identity) async fn of_user(
    connection: &mut PgConnection,
    user: Uuid,
) -> std::result::Result<Vec<Passkey>, sqlx::Error> {
    row::list(connection, user, None, i64::MAX).await
}
