//! `GET …/service-accounts/{account}`

use axum::extract::State;
use http::{HeaderName, HeaderValue, header};
use uuid::Uuid;

use super::model::ServiceAccount;
use crate::access::{Permission, authorize};
use crate::app::AppState;
use crate::http::{Json, Path, etag};
use crate::identity::Caller;
use crate::problem::{self, Result};

/// Read a service account
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{workspace}/service-accounts/{account}",
    operation_id = "service_accounts.get",
    tag = "workspaces",
    security(("bearer" = [])),
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
        ("account" = Uuid, Path, description = "The service account's id"),
    ),
    responses(
        (status = OK, description = "The service account", body = ServiceAccount, headers(
            ("etag" = String, description = "Its version"),
        )),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup,
    ),
)]
pub async fn get(
    caller: Caller,
    State(app): State<AppState>,
    Path((workspace, id)): Path<(Uuid, Uuid)>,
) -> Result<([(HeaderName, HeaderValue); 1], Json<ServiceAccount>)> {
    let mut tx = app.database.begin_read(&caller.scope().in_workspace(workspace)).await?;
    authorize(&mut tx, &caller, workspace, Permission::MembersRead).await?;
    let account = ServiceAccount::find(&mut tx, workspace, id).await?;
    Ok(([(header::ETAG, etag(account.version))], Json(account)))
}
