//! The end of an account, and all that we know of it.

use axum::extract::State;
use axum::response::IntoResponse;
use http::{HeaderName, StatusCode, header};
use serde::Serialize;
use serde_json::json;
use sqlx::PgConnection;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use super::api_keys::{self, ApiKey};
use super::caller::UserSession;
use super::letters::{self, Reader};
use super::mfa;
use super::mfa::devices::TrustedDevice;
use super::mfa::enrol::MfaState;
use super::passkeys::{self, Passkey};
use super::providers::{self, LinkedIdentity};
use super::session::{self, Because, Session};
use super::step_up;
use super::user::User;
use crate::app::AppState;
use crate::audit::{self, Action, Event};
use crate::database::Scope;
use crate::http::Json;
use crate::mail::Template;
use crate::problem::{self, Problem, Result, kinds};
use crate::workspaces::{self, OwnWorkspace};

/// All that we know of a user.
#[derive(Serialize, ToSchema)]
pub struct Export {
    /// When this was put together.
    #[serde(with = "time::serde::rfc3339")]
    exported_at: OffsetDateTime,
    /// Their profile.
    user: User,
    /// The language of their mails.
    language: String,
    /// Where they are signed in.
    sessions: Vec<Session>,
    /// Their second factors.
    mfa: MfaState,
    /// Their passkeys.
    passkeys: Vec<Passkey>,
    /// Their accounts elsewhere.
    identities: Vec<LinkedIdentity>,
    /// Devices that are not asked for a second factor.
    trusted_devices: Vec<TrustedDevice>,
    /// Their API keys, without the keys themselves.
    api_keys: Vec<ApiKey>,
    /// The workspaces that they are members of. What is in these belongs to the workspaces.
    workspaces: Vec<OwnWorkspace>,
}

/// Delete my account
///
/// The caller's profile, sessions and memberships are gone for good; what they wrote in workspaces stays there. Refused
/// as long as workspaces would be left without an owner: `workspaces` in the problem lists them. Needs a recent proof
/// of who is asking (`identity.step_up`).
#[utoipa::path(
    delete,
    path = "/api/v1/me",
    operation_id = "identity.me.delete",
    tag = "identity",
    responses(
        (status = 204, description = "It is gone"),
        problem::Always, problem::InSession, problem::Conflicting,
    ),
    security(("bearer" = [])),
)]
pub async fn delete(State(app): State<AppState>, caller: UserSession) -> Result<StatusCode> {
    let mut tx = app.database.begin(&Scope::identity_of(caller.user)).await?;
    step_up::require(&mut tx, &app, &caller).await?;
    let user = User::lock(&mut tx, caller.user).await?.ok_or_else(Problem::invalid_token)?;
    let language = User::language(&mut tx, user.id).await?;
    let orphans = workspaces::members::solely_owned(&mut tx, user.id).await?;
    if !orphans.is_empty() {
        let list: Vec<_> = orphans.iter().map(|one| json!({ "id": one.id, "name": one.name })).collect();
        return Err(Problem::new(&kinds::LAST_OWNER)
            .detail("You are the only owner of workspaces. Give each another owner, or delete it.")
            .with("workspaces", json!(list)));
    }
    // Before the sessions go with their user: edges have to hear that they ended.
    session::end_all(&mut tx, user.id, None, Because::Revoked).await?;
    bury(&mut tx, user.id).await?;
    audit::record(&mut tx, Event::by(&caller, Action::UserDeleted)).await?;
    let reader = Reader { email: &user.email, language: &language };
    let reason = format!("account deleted {}", user.id);
    letters::write(&mut tx, &app, reader, Template::AccountDeleted, &reason, json!({})).await?;
    tx.commit().await?;
    app.identity.changed();
    tracing::info!(user = %user.id, "an account was deleted");
    Ok(StatusCode::NO_CONTENT)
}

/// Export my data
///
/// All that is known of the caller, as one JSON document. Needs a recent proof of who is asking (`identity.step_up`).
#[utoipa::path(
    get,
    path = "/api/v1/me/export",
    operation_id = "identity.me.export",
    tag = "identity",
    responses(
        (status = 200, description = "Everything", body = Export),
        problem::Always, problem::InSession,
    ),
    security(("bearer" = [])),
)]
pub async fn export(State(app): State<AppState>, caller: UserSession) -> Result<impl IntoResponse> {
    let mut tx = app.database.begin_read(&Scope::identity_of(caller.user)).await?;
    step_up::require(&mut tx, &app, &caller).await?;
    let export = Export {
        exported_at: OffsetDateTime::now_utc(),
        user: User::find(&mut tx, caller.user).await?.ok_or_else(Problem::invalid_token)?,
        language: User::language(&mut tx, caller.user).await?,
        sessions: session::list(&mut tx, caller.user, caller.session, None, i64::MAX).await?,
        mfa: mfa::enrol::state(&mut tx, caller.user).await?,
        passkeys: passkeys::of_user(&mut tx, caller.user).await?,
        identities: providers::of_user(&mut tx, caller.user).await?,
        trusted_devices: mfa::devices::of_user(&mut tx, caller.user, None, i64::MAX).await?,
        api_keys: api_keys::of_user(&mut tx, caller.user, None, i64::MAX).await?,
        workspaces: workspaces::of_user(&mut tx, caller.user, None, i64::MAX).await?,
    };
    let headers: [(HeaderName, &str); 2] = [
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"breakwater-account.json\""),
    ];
    Ok((headers, Json(export)))
}

/// Deletes a user, and remembers their sessions for as long as access tokens of these may live.
async fn bury(connection: &mut PgConnection, user: Uuid) -> std::result::Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO ended_sessions (id) SELECT id FROM sessions WHERE user_id = $1 OR impersonator_id = $1",
        user
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!("DELETE FROM users WHERE id = $1", user).execute(connection).await.map(drop)
}
