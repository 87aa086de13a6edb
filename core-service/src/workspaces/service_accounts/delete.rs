//! `DELETE …/service-accounts/{account}`

use axum::extract::State;
use http::StatusCode;
use serde_json::json;
use uuid::Uuid;

use super::model::{ServiceAccount, cover};
use crate::access::{Permission, authorize};
use crate::app::AppState;
use crate::audit::{self, Action, Event};
use crate::http::{IfMatch, Path};
use crate::identity::{UserSession, delete_service_user};
use crate::problem::{self, Result};
use crate::workspaces::model::lock;

/// Delete a service account
///
/// Its keys are refused from now on. What it wrote stays.
#[utoipa::path(
    delete,
    path = "/api/v1/workspaces/{workspace}/service-accounts/{account}",
    operation_id = "service_accounts.delete",
    tag = "workspaces",
    security(("bearer" = [])),
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
        ("account" = Uuid, Path, description = "The service account's id"),
        ("If-Match" = Option<String>, Header, description = "The version that is to go"),
    ),
    responses(
        (status = NO_CONTENT, description = "It is gone"),
        problem::Always, problem::AuthorizedInSession, problem::Lookup, problem::Conditional,
    ),
)]
pub async fn delete(
    caller: UserSession,
    State(app): State<AppState>,
    Path((workspace, id)): Path<(Uuid, Uuid)>,
    if_match: IfMatch,
) -> Result<StatusCode> {
    let mut tx = app.database.begin(&caller.scope().in_workspace(workspace)).await?;
    lock(&mut tx, workspace).await?;
    let access = authorize(&mut tx, &(&caller).into(), workspace, Permission::MembersManage).await?;
    let account = ServiceAccount::find(&mut tx, workspace, id).await?;
    cover(&mut tx, &access, workspace, id).await?;
    if_match.check(account.version)?;
    delete_service_user(&mut tx, workspace, id).await?;
    let event = Event::by(&caller, Action::ServiceAccountDeleted).in_workspace(workspace).about("service-account", id);
    audit::record(&mut tx, event.with(json!({ "name": account.name, "role": account.role }))).await?;
    tx.commit().await?;
    app.identity.changed();
    Ok(StatusCode::NO_CONTENT)
}
