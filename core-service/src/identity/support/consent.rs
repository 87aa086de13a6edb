//! `…/workspaces/{workspace}/support-access`: whether support may act here, and who does.

use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgConnection;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use super::sessions::{self, Acting};
use crate::access::{Permission, authorize};
use crate::app::AppState;
use crate::audit::{self, Action, Event};
use crate::database::Scope;
use crate::http::{Json, Path};
use crate::identity::{Caller, UserSession, step_up};
use crate::problem::{self, Problem, Result};

/// For how long support may act in members' names.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Consent {
    /// From now on.
    #[schema(minimum = 1, maximum = 72)]
    hours: i32,
}

/// Whether support may act in a workspace, and who does.
#[derive(Debug, Serialize, ToSchema)]
pub struct SupportAccess {
    /// Until when; null if it may not.
    #[serde(with = "time::serde::rfc3339::option")]
    #[schema(required = true)]
    consent_until: Option<OffsetDateTime>,
    /// Who consented.
    #[schema(required = true)]
    given_by: Option<Uuid>,
    /// In whose name support acts now.
    sessions: Vec<Acting>,
}

/// See support's access
///
/// Whether support may act in members' names here, and in whose name somebody does. Every member sees it.
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{workspace}/support-access",
    operation_id = "support.access.get",
    tag = "support",
    security(("bearer" = [])),
    params(("workspace" = Uuid, Path, description = "The workspace's id")),
    responses(
        (status = OK, description = "Support's access", body = SupportAccess),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup,
    ),
)]
pub async fn get(
    caller: Caller,
    State(app): State<AppState>,
    Path(workspace): Path<Uuid>,
) -> Result<Json<SupportAccess>> {
    let mut tx = app.database.begin_read(&within(&caller, workspace)).await?;
    authorize(&mut tx, &caller, workspace, Permission::WorkspaceRead).await?;
    Ok(Json(read(&mut tx, workspace).await?))
}

/// Let support in
///
/// For up to three days, in place of what was said before. Support then may act in members' names, each time for an hour at
/// the most, and only to see what they see and to write documents. For owners, with a recent proof of who is asking
/// (`identity.step_up`).
#[utoipa::path(
    put,
    path = "/api/v1/workspaces/{workspace}/support-access",
    operation_id = "support.access.put",
    tag = "support",
    security(("bearer" = [])),
    params(("workspace" = Uuid, Path, description = "The workspace's id")),
    request_body = Consent,
    responses(
        (status = OK, description = "Support's access", body = SupportAccess),
        problem::Always, problem::AuthorizedInSession, problem::Lookup, problem::Body,
    ),
)]
pub async fn put(
    caller: UserSession,
    State(app): State<AppState>,
    Path(workspace): Path<Uuid>,
    Json(consent): Json<Consent>,
) -> Result<Json<SupportAccess>> {
    let mut tx = app.database.begin(&within(&(&caller).into(), workspace)).await?;
    authorize(&mut tx, &(&caller).into(), workspace, Permission::OwnersManage).await?;
    step_up::require(&mut tx, &app, &caller).await?;
    sqlx::query!(
        "INSERT INTO support_consents (workspace_id, given_by, expires_at)
         VALUES ($1, $2, now() + make_interval(hours => $3))
         ON CONFLICT (workspace_id) DO UPDATE
         SET given_by = excluded.given_by, created_at = now(), expires_at = excluded.expires_at",
        workspace,
        caller.user,
        consent.hours
    )
    .execute(&mut *tx)
    .await?;
    let event = Event::by(&caller, Action::SupportAllowed).in_workspace(workspace);
    audit::record(&mut tx, event.with(json!({ "hours": consent.hours }))).await?;
    let access = read(&mut tx, workspace).await?;
    tx.commit().await?;
    Ok(Json(access))
}

/// Shut support out
///
/// Ends every session in which support acts here, at once.
#[utoipa::path(
    delete,
    path = "/api/v1/workspaces/{workspace}/support-access",
    operation_id = "support.access.delete",
    tag = "support",
    security(("bearer" = [])),
    params(("workspace" = Uuid, Path, description = "The workspace's id")),
    responses(
        (status = NO_CONTENT, description = "Support is out"),
        problem::Always, problem::AuthorizedInSession, problem::Lookup,
    ),
)]
pub async fn delete(
    caller: UserSession,
    State(app): State<AppState>,
    Path(workspace): Path<Uuid>,
) -> Result<StatusCode> {
    let mut tx = app.database.begin(&within(&(&caller).into(), workspace)).await?;
    authorize(&mut tx, &(&caller).into(), workspace, Permission::OwnersManage).await?;
    let gone = sqlx::query!("DELETE FROM support_consents WHERE workspace_id = $1", workspace);
    if gone.execute(&mut *tx).await?.rows_affected() == 0 {
        return Err(Problem::not_found());
    }
    let ended = sessions::end(&mut tx, workspace).await?;
    let event = Event::by(&caller, Action::SupportRefused).in_workspace(workspace);
    audit::record(&mut tx, event.with(json!({ "ended": ended }))).await?;
    tx.commit().await?;
    app.identity.changed();
    Ok(StatusCode::NO_CONTENT)
}

/// The caller in the workspace, who sees sessions of others as well: only those of support are looked at.
fn within(caller: &Caller, workspace: Uuid) -> Scope {
    caller.identity_scope().in_workspace(workspace)
}

async fn read(connection: &mut PgConnection, workspace: Uuid) -> Result<SupportAccess> {
    let consent = sqlx::query!(
        "SELECT given_by, expires_at FROM support_consents WHERE workspace_id = $1 AND expires_at > now()",
        workspace
    );
    let consent = consent.fetch_optional(&mut *connection).await?;
    Ok(SupportAccess {
        consent_until: consent.as_ref().map(|consent| consent.expires_at),
        given_by: consent.and_then(|consent| consent.given_by),
        sessions: sessions::living(connection, workspace).await?,
    })
}
