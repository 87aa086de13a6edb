//! `POST …/workspaces/{workspace}/service-accounts`

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::model::{Name, ServiceAccount, may_give, name_taken};
use crate::access::{Permission, RoleName, authorize};
use crate::app::AppState;
use crate::audit::{self, Action, Event};
use crate::http::{Attempt, Idempotency, Json, Path, created};
use crate::identity::{UserSession, new_service_user};
use crate::problem::{self, OnConstraint, Result};

/// A service account to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewServiceAccount {
    /// Its name, which no other service account of the workspace has.
    name: Name,
    /// What it is to be, but no owner. It allows nothing that the caller may not do.
    role: RoleName,
}

/// Create a service account
#[utoipa::path(
    post,
    path = "/api/v1/workspaces/{workspace}/service-accounts",
    operation_id = "service_accounts.create",
    tag = "workspaces",
    security(("bearer" = [])),
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes repeating safe"),
    ),
    request_body = NewServiceAccount,
    responses(
        (status = CREATED, description = "The service account", body = ServiceAccount, headers(
            ("location" = String, description = "Where it is"),
            ("etag" = String, description = "Its version"),
        )),
        problem::Always, problem::AuthorizedInSession, problem::Lookup, problem::Body,
        problem::Conflicting,
    ),
)]
pub async fn create(
    caller: UserSession,
    State(app): State<AppState>,
    Path(workspace): Path<Uuid>,
    idempotency: Idempotency,
    Json(new): Json<NewServiceAccount>,
) -> Result<Response> {
    let mut tx = match idempotency.begin(&app, &caller.scope().in_workspace(workspace)).await? {
        Attempt::Repeated(answer) => return Ok(answer),
        Attempt::First(tx) => tx,
    };
    let access = authorize(&mut tx, &(&caller).into(), workspace, Permission::MembersManage).await?;
    may_give(&mut tx, &access, workspace, &new.role).await?;
    let id = new_service_user(&mut tx, workspace).await?;
    sqlx::query!(
        "INSERT INTO workspace_members (workspace_id, user_id, role, service) VALUES ($1, $2, $3, true)",
        workspace,
        id,
        new.role.as_str()
    )
    .execute(&mut **tx)
    .await?;
    sqlx::query!(
        "INSERT INTO service_accounts (id, workspace_id, name) VALUES ($1, $2, $3)",
        id,
        workspace,
        new.name.0
    )
    .execute(&mut **tx)
    .await
    .on_constraint("service_accounts_name", name_taken)?;
    let account = ServiceAccount::find(&mut tx, workspace, id).await?;
    let event = Event::by(&caller, Action::ServiceAccountCreated).in_workspace(workspace).about("service-account", id);
    audit::record(&mut tx, event.with(json!({ "name": account.name, "role": account.role }))).await?;
    let location = format!("/api/v1/workspaces/{workspace}/service-accounts/{id}");
    tx.commit(created(location, account.version, account)).await
}
