//! `PATCH …/service-accounts/{account}`

use axum::extract::State;
use http::{HeaderName, HeaderValue, header};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::model::{Name, ServiceAccount, cover, may_give, name_taken};
use crate::access::{Permission, RoleName, authorize};
use crate::app::AppState;
use crate::audit::{self, Action, Event};
use crate::http::{IfMatch, Json, Path, etag};
use crate::identity::UserSession;
use crate::problem::{self, OnConstraint, Result};
use crate::workspaces::model::lock;

/// What changes in a service account (JSON Merge Patch, RFC 7396).
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ServiceAccountPatch {
    /// Its name.
    #[schema(nullable = false)]
    name: Option<Name>,
    /// What it is to be, but no owner. It allows nothing that the caller may not do.
    #[schema(nullable = false)]
    role: Option<RoleName>,
}

/// Change a service account
///
/// Its keys allow what it may do from now on.
#[utoipa::path(
    patch,
    path = "/api/v1/workspaces/{workspace}/service-accounts/{account}",
    operation_id = "service_accounts.change",
    tag = "workspaces",
    security(("bearer" = [])),
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
        ("account" = Uuid, Path, description = "The service account's id"),
        ("If-Match" = Option<String>, Header, description = "The version that is to change"),
    ),
    request_body(
        content((ServiceAccountPatch = "application/merge-patch+json"), (ServiceAccountPatch = "application/json")),
    ),
    responses(
        (status = OK, description = "The service account", body = ServiceAccount, headers(
            ("etag" = String, description = "Its version"),
        )),
        problem::Always, problem::AuthorizedInSession, problem::Lookup, problem::Body,
        problem::Conflicting, problem::Conditional,
    ),
)]
pub async fn change(
    caller: UserSession,
    State(app): State<AppState>,
    Path((workspace, id)): Path<(Uuid, Uuid)>,
    if_match: IfMatch,
    Json(patch): Json<ServiceAccountPatch>,
) -> Result<([(HeaderName, HeaderValue); 1], Json<ServiceAccount>)> {
    let mut tx = app.database.begin(&caller.scope().in_workspace(workspace)).await?;
    lock(&mut tx, workspace).await?;
    let access = authorize(&mut tx, &(&caller).into(), workspace, Permission::MembersManage).await?;
    let before = ServiceAccount::find(&mut tx, workspace, id).await?;
    cover(&mut tx, &access, workspace, id).await?;
    if_match.check(before.version)?;
    if let Some(role) = &patch.role {
        may_give(&mut tx, &access, workspace, role).await?;
        sqlx::query!(
            "UPDATE workspace_members SET role = $3, version = version + 1, updated_at = now()
             WHERE workspace_id = $1 AND user_id = $2",
            workspace,
            id,
            role.as_str()
        )
        .execute(&mut *tx)
        .await?;
    }
    sqlx::query!(
        "UPDATE service_accounts SET name = coalesce($2, name), version = version + 1, updated_at = now() WHERE id = $1",
        id,
        patch.name.map(|name| name.0)
    )
    .execute(&mut *tx)
    .await
    .on_constraint("service_accounts_name", name_taken)?;
    let account = ServiceAccount::find(&mut tx, workspace, id).await?;
    let event = Event::by(&caller, Action::ServiceAccountChanged).in_workspace(workspace).about("service-account", id);
    let changed = json!({ "name": { "from": before.name, "to": account.name },
                          "role": { "from": before.role, "to": account.role } });
    audit::record(&mut tx, event.with(changed)).await?;
    tx.commit().await?;
    Ok(([(header::ETAG, etag(account.version))], Json(account)))
}
