//! `GET …/members/{user}`

use axum::extract::State;
use http::{HeaderName, HeaderValue, header};
use uuid::Uuid;

use super::model::{Member, Membership};
use crate::access::{Permission, authorize};
use crate::app::AppState;
use crate::http::{Json, Path, etag};
use crate::identity::Caller;
use crate::problem::{self, Result};

/// Read a member
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{workspace}/members/{user}",
    operation_id = "members.get",
    tag = "workspaces",
    security(("bearer" = [])),
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
        ("user" = Uuid, Path, description = "The user's id"),
    ),
    responses(
        (status = OK, description = "The member", body = Member, headers(
            ("etag" = String, description = "The membership's version"),
        )),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup,
    ),
)]
pub async fn get(
    caller: Caller,
    State(app): State<AppState>,
    Path((workspace, user)): Path<(Uuid, Uuid)>,
) -> Result<([(HeaderName, HeaderValue); 1], Json<Member>)> {
    let mut tx = app.database.begin_read(&caller.scope().in_workspace(workspace)).await?;
    authorize(&mut tx, &caller, workspace, Permission::MembersRead).await?;
    let membership = Membership::find(&mut tx, workspace, user).await?;
    drop(tx);
    let etag = [(header::ETAG, etag(membership.version))];
    Ok((etag, Json(membership.member(&app.database).await?)))
}
