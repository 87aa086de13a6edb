//! `PATCH …/members/{user}`

use axum::extract::State;
use http::{HeaderName, HeaderValue, header};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::keep_an_owner;
use super::model::{Member, Membership};
use crate::access::{Permission, RoleName, authorize};
use crate::app::AppState;
use crate::audit::{self, Action, Event};
use crate::http::{IfMatch, Json, Path, etag};
use crate::identity::Caller;
use crate::problem::{self, Result};
use crate::workspaces::model::lock;

/// What changes in a membership (JSON Merge Patch, RFC 7396).
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MemberPatch {
    /// What the member is to be. It allows nothing that the caller may not do.
    role: RoleName,
}

/// Change a member's role
///
/// Who makes or unmakes an owner must be one. The last owner stays one.
#[utoipa::path(
    patch,
    path = "/api/v1/workspaces/{workspace}/members/{user}",
    operation_id = "members.change",
    tag = "workspaces",
    security(("bearer" = [])),
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
        ("user" = Uuid, Path, description = "The user's id"),
        ("If-Match" = Option<String>, Header, description = "The version that is to change"),
    ),
    request_body(
        content((MemberPatch = "application/merge-patch+json"), (MemberPatch = "application/json")),
    ),
    responses(
        (status = OK, description = "The member", body = Member, headers(
            ("etag" = String, description = "The membership's version"),
        )),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup, problem::Body,
        problem::Conflicting, problem::Conditional,
    ),
)]
pub async fn change(
    caller: Caller,
    State(app): State<AppState>,
    Path((workspace, user)): Path<(Uuid, Uuid)>,
    if_match: IfMatch,
    Json(patch): Json<MemberPatch>,
) -> Result<([(HeaderName, HeaderValue); 1], Json<Member>)> {
    let mut tx = app.database.begin(&caller.scope().in_workspace(workspace)).await?;
    lock(&mut tx, workspace).await?;
    let access = authorize(&mut tx, &caller, workspace, Permission::MembersManage).await?;
    let member = Membership::find(&mut tx, workspace, user).await?;
    if member.role.is_owner() || patch.role.is_owner() {
        access.require(Permission::OwnersManage)?;
    }
    let present = member.role.existing(&mut tx, workspace).await?;
    access.cover(present.or(patch.role.existing(&mut tx, workspace).await?))?;
    if_match.check(member.version)?;
    if member.role.is_owner() && !patch.role.is_owner() {
        keep_an_owner(&mut tx, workspace, user).await?;
    }
    let before = member.role;
    let member = sqlx::query_as!(
        Membership,
        r#"UPDATE workspace_members SET role = $3, version = version + 1, updated_at = now()
           WHERE workspace_id = $1 AND user_id = $2
           RETURNING user_id, role AS "role: RoleName", version, created_at, updated_at"#,
        workspace,
        user,
        patch.role.as_str()
    )
    .fetch_one(&mut *tx)
    .await?;
    let event = Event::by(&caller, Action::MemberChanged).in_workspace(workspace).about("member", user);
    audit::record(&mut tx, event.with(json!({ "role": { "from": before, "to": member.role } }))).await?;
    tx.commit().await?;
    let etag = [(header::ETAG, etag(member.version))];
    Ok((etag, Json(member.member(&app.database).await?)))
}
