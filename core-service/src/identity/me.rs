//! `/api/v1/me`: the caller's own profile.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::caller::{Caller, UserSession};
use super::user::User;
use crate::app::AppState;
use crate::http::{IfMatch, IfNoneMatch, Json, Patch, etag};
use crate::problem::{self, Problem, Result};
use crate::workspaces::service_accounts::{self, ServiceAccount};

/// What may be changed, as a JSON Merge Patch (RFC 7396).
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UserPatch {
    /// How they want to be called; null removes it.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 200)]
    display_name: Patch<String>,
}

/// Whoever calls.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub enum Profile {
    /// A user.
    User(User),
    /// A service account, by one of its API keys.
    ServiceAccount(ServiceAccount),
}

/// Read my profile
#[utoipa::path(
    get,
    path = "/api/v1/me",
    operation_id = "identity.me.get",
    tag = "identity",
    responses(
        (status = 200, description = "The caller", body = Profile, headers(("ETag" = String))),
        (status = 304, description = "As the client knows it (If-None-Match)"),
        problem::Always, problem::Authenticated,
    ),
    security(("bearer" = [])),
)]
pub async fn get(State(app): State<AppState>, caller: Caller, known: IfNoneMatch) -> Result<Response> {
    let mut tx = app.database.begin_read(&caller.scope()).await?;
    let (tag, profile) = match User::find(&mut tx, caller.user).await? {
        Some(user) => (etag(user.version), Profile::User(user)),
        None => {
            let account =
                service_accounts::of_itself(&mut tx, caller.user).await?.ok_or_else(Problem::invalid_token)?;
            (etag(account.version), Profile::ServiceAccount(account))
        }
    };
    if known.matches(&tag) {
        return Ok((StatusCode::NOT_MODIFIED, headers(tag)).into_response());
    }
    Ok((headers(tag), Json(profile)).into_response())
}

/// Change my profile
#[utoipa::path(
    patch,
    path = "/api/v1/me",
    operation_id = "identity.me.patch",
    tag = "identity",
    request_body(content((UserPatch = "application/json"), (UserPatch = "application/merge-patch+json"))),
    params(("If-Match" = Option<String>, Header, description = "The ETag that was read")),
    responses(
        (status = 200, description = "The caller, changed", body = User, headers(("ETag" = String))),
        problem::Always, problem::InSession, problem::Body, problem::Conditional,
    ),
    security(("bearer" = [])),
)]
pub async fn patch(
    State(app): State<AppState>,
    caller: UserSession,
    expected: IfMatch,
    Json(patch): Json<UserPatch>,
) -> Result<Response> {
    let mut tx = app.database.begin(&caller.scope()).await?;
    let user = User::lock(&mut tx, caller.user).await?.ok_or_else(Problem::invalid_token)?;
    expected.check(user.version)?;
    let name = patch.display_name.or(user.display_name);
    let user = User::rename(&mut tx, caller.user, name.as_deref()).await?;
    tx.commit().await?;
    Ok((headers(etag(user.version)), Json(user)).into_response())
}

fn headers(etag: HeaderValue) -> [(HeaderName, HeaderValue); 2] {
    let private = HeaderValue::from_static("private, no-cache");
    [(header::ETAG, etag), (header::CACHE_CONTROL, private)]
}
