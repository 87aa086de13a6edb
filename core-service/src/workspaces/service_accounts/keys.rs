//! `…/service-accounts/{account}/api-keys`: the keys of a service account.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::model::{ServiceAccount, cover};
use crate::access::{Permission, authorize};
use crate::app::AppState;
use crate::audit::{self, Action, Event};
use crate::http::{Attempt, Idempotency, Json, Page, PageQuery, Path, Query};
use crate::identity::api_keys::{self, ApiKey, MadeApiKey, NewApiKey, Overlap};
use crate::identity::{Caller, UserSession, require_step_up};
use crate::problem::{self, Problem, Result};

/// Whoever made the account managed members, and met what the workspace demands of people. A program has no second factor.
const MFA: bool = true;

/// List a service account's API keys
///
/// The oldest first; those that ended are listed for a month more.
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{workspace}/service-accounts/{account}/api-keys",
    operation_id = "service_accounts.api_keys.list",
    tag = "workspaces",
    security(("bearer" = [])),
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
        ("account" = Uuid, Path, description = "The service account's id"),
        PageQuery,
    ),
    responses(
        (status = OK, description = "A page of keys", body = Page<ApiKey>),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup,
    ),
)]
pub async fn list(
    caller: Caller,
    State(app): State<AppState>,
    Path((workspace, id)): Path<(Uuid, Uuid)>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<ApiKey>>> {
    let after = query.after::<Uuid>()?;
    let mut tx = app.database.begin_read(&caller.scope().in_workspace(workspace)).await?;
    authorize(&mut tx, &caller, workspace, Permission::MembersManage).await?;
    ServiceAccount::find(&mut tx, workspace, id).await?;
    let keys = api_keys::of_user(&mut tx, id, after, query.limit.and_one()).await?;
    Ok(Json(Page::of(keys, query.limit, |last| last.id)))
}

/// Make an API key of a service account
///
/// For who manages members and may do all that the account may do. Needs a recent proof of who is asking
/// (`identity.step_up`).
#[utoipa::path(
    post,
    path = "/api/v1/workspaces/{workspace}/service-accounts/{account}/api-keys",
    operation_id = "service_accounts.api_keys.create",
    tag = "workspaces",
    security(("bearer" = [])),
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
        ("account" = Uuid, Path, description = "The service account's id"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes repeating safe"),
    ),
    request_body = NewApiKey,
    responses(
        (status = CREATED, description = "The key", body = MadeApiKey),
        problem::Always, problem::AuthorizedInSession, problem::Lookup, problem::Body,
        problem::Conflicting,
    ),
)]
pub async fn create(
    caller: UserSession,
    State(app): State<AppState>,
    Path((workspace, id)): Path<(Uuid, Uuid)>,
    idempotency: Idempotency,
    Json(new): Json<NewApiKey>,
) -> Result<Response> {
    let mut tx = match idempotency.begin(&app, &caller.scope().in_workspace(workspace)).await? {
        Attempt::Repeated(answer) => return Ok(answer),
        Attempt::First(tx) => tx,
    };
    let account = may_manage(&mut tx, &app, &caller, workspace, id).await?;
    let made = MadeApiKey::make(&mut tx, &app, &caller, id, new, MFA).await?;
    let mut details = made.details();
    details["service_account"] = json!({ "id": id, "name": account.name });
    let event = Event::by(&caller, Action::ApiKeyCreated).in_workspace(workspace).about("api-key", made.id());
    audit::record(&mut tx, event.with(details)).await?;
    tx.commit(made).await
}

/// Replace an API key of a service account
///
/// By one of the same name, permissions and addresses, which lives as long as the old one was meant to. Needs a recent proof
/// of who is asking (`identity.step_up`).
#[utoipa::path(
    post,
    path = "/api/v1/workspaces/{workspace}/service-accounts/{account}/api-keys/{key}/rotate",
    operation_id = "service_accounts.api_keys.rotate",
    tag = "workspaces",
    security(("bearer" = [])),
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
        ("account" = Uuid, Path, description = "The service account's id"),
        ("key" = Uuid, Path, description = "The key's id"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes repeating safe"),
    ),
    request_body = Overlap,
    responses(
        (status = CREATED, description = "The new key", body = MadeApiKey),
        problem::Always, problem::AuthorizedInSession, problem::Lookup, problem::Body,
        problem::Conflicting,
    ),
)]
pub async fn rotate(
    caller: UserSession,
    State(app): State<AppState>,
    Path((workspace, id, key)): Path<(Uuid, Uuid, Uuid)>,
    idempotency: Idempotency,
    Json(overlap): Json<Overlap>,
) -> Result<Response> {
    let mut tx = match idempotency.begin(&app, &caller.scope().in_workspace(workspace)).await? {
        Attempt::Repeated(answer) => return Ok(answer),
        Attempt::First(tx) => tx,
    };
    let account = may_manage(&mut tx, &app, &caller, workspace, id).await?;
    let made = MadeApiKey::instead(&mut tx, &app, &caller, (id, key), &overlap, MFA).await?;
    let mut details = made.rotated(&overlap);
    details["service_account"] = json!({ "id": id, "name": account.name });
    let event = Event::by(&caller, Action::ApiKeyRotated).in_workspace(workspace).about("api-key", key);
    audit::record(&mut tx, event.with(details)).await?;
    let answer = tx.commit(made).await?;
    app.identity.changed();
    Ok(answer)
}

/// End an API key of a service account
///
/// It is refused from now on.
#[utoipa::path(
    delete,
    path = "/api/v1/workspaces/{workspace}/service-accounts/{account}/api-keys/{key}",
    operation_id = "service_accounts.api_keys.end",
    tag = "workspaces",
    security(("bearer" = [])),
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
        ("account" = Uuid, Path, description = "The service account's id"),
        ("key" = Uuid, Path, description = "The key's id"),
    ),
    responses(
        (status = NO_CONTENT, description = "It has ended"),
        problem::Always, problem::AuthorizedInSession, problem::Lookup,
    ),
)]
pub async fn end(
    caller: UserSession,
    State(app): State<AppState>,
    Path((workspace, id, key)): Path<(Uuid, Uuid, Uuid)>,
) -> Result<StatusCode> {
    let mut tx = app.database.begin(&caller.scope().in_workspace(workspace)).await?;
    // Whoever manages members may, whatever the key allows: to end one gives nobody anything.
    authorize(&mut tx, &(&caller).into(), workspace, Permission::MembersManage).await?;
    let account = ServiceAccount::find(&mut tx, workspace, id).await?;
    let name = api_keys::delete(&mut tx, id, key).await?.ok_or_else(Problem::not_found)?;
    let event = Event::by(&caller, Action::ApiKeyEnded).in_workspace(workspace).about("api-key", key);
    let details = json!({ "name": name, "service_account": { "id": id, "name": account.name } });
    audit::record(&mut tx, event.with(details)).await?;
    tx.commit().await?;
    app.identity.changed();
    Ok(StatusCode::NO_CONTENT)
}

/// The account, if the caller may have keys of it.
async fn may_manage(
    connection: &mut PgConnection,
    app: &AppState,
    caller: &UserSession,
    workspace: Uuid,
    id: Uuid,
) -> Result<ServiceAccount> {
    let access = authorize(&mut *connection, &caller.into(), workspace, Permission::MembersManage).await?;
    let account = ServiceAccount::find(&mut *connection, workspace, id).await?;
    cover(&mut *connection, &access, workspace, id).await?;
    require_step_up(connection, app, caller).await?;
    Ok(account)
}
