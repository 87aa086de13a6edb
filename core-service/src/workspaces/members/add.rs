//! `POST …/workspaces/{workspace}/members`

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::model::{Member, Membership};
use crate::access::{Permission, RoleName, authorize};
use crate::app::AppState;
use crate::audit::{self, Action, Event};
use crate::config::EmailVerification;
use crate::database::Scope;
use crate::http::{Attempt, Idempotency, Json, Path, created};
use crate::identity::{Caller, by_email};
use crate::problem::{self, OnConstraint, Problem, Result, kinds};

/// A member to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMember {
    /// The e-mail address of somebody who is registered, and whom the caller shares a workspace with.
    #[schema(format = "email", max_length = 254, example = "mate@example.com")]
    email: String,
    /// What they are to be. It allows nothing that the caller may not do.
    role: RoleName,
}

/// Add a member
///
/// Somebody whom the caller shares another workspace with; all others are invited, so that nobody learns here who has an
/// account. (Where accounts need no verified address, that is no secret, and anybody can be added.) Who adds an owner must be one.
#[utoipa::path(
    post,
    path = "/api/v1/workspaces/{workspace}/members",
    operation_id = "members.add",
    tag = "workspaces",
    security(("bearer" = [])),
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes repeating safe"),
    ),
    request_body = NewMember,
    responses(
        (status = CREATED, description = "The member", body = Member, headers(
            ("location" = String, description = "Where it is"),
            ("etag" = String, description = "The membership's version"),
        )),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup, problem::Body,
        problem::Conflicting,
    ),
)]
pub async fn add(
    caller: Caller,
    State(app): State<AppState>,
    Path(workspace): Path<Uuid>,
    idempotency: Idempotency,
    Json(new): Json<NewMember>,
) -> Result<Response> {
    // Before the transaction, which would hold a second connection; told only to who may know.
    let user = by_email(&app.database, &new.email).await?;
    let known = is_known(&app, &caller, user.as_ref().map(|user| user.id)).await?;
    let user = user.filter(|_| known);
    let mut tx = match idempotency.begin(&app, &caller.scope().in_workspace(workspace)).await? {
        Attempt::Repeated(answer) => return Ok(answer),
        Attempt::First(tx) => tx,
    };
    let access = authorize(&mut tx, &caller, workspace, Permission::MembersManage).await?;
    if new.role.is_owner() {
        access.require(Permission::OwnersManage)?;
    }
    access.cover(new.role.existing(&mut tx, workspace).await?)?;
    let unknown = || Problem::invalid_field("/email", "unknown", "nobody you know has this address: invite them");
    let user = user.ok_or_else(unknown)?;
    let membership = sqlx::query_as!(
        Membership,
        r#"INSERT INTO workspace_members (workspace_id, user_id, role) VALUES ($1, $2, $3)
           RETURNING user_id, role AS "role: RoleName", version, created_at, updated_at"#,
        workspace,
        user.id,
        new.role.as_str()
    )
    .fetch_one(&mut **tx)
    .await
    .on_constraint("workspace_members_pkey", || Problem::new(&kinds::ALREADY_MEMBER))?;
    let event = Event::by(&caller, Action::MemberAdded).in_workspace(workspace).about("member", user.id);
    audit::record(&mut tx, event.with(json!({ "role": new.role }))).await?;
    let location = format!("/api/v1/workspaces/{workspace}/members/{}", user.id);
    tx.commit(created(location, membership.version, membership.of(user))).await
}

/// Whether the caller may know of an account: they share a workspace with it, or registration tells everybody. It takes as long
/// for an address without an account.
async fn is_known(app: &AppState, caller: &Caller, other: Option<Uuid>) -> Result<bool> {
    if app.config.identity.email_verification == EmailVerification::Optional {
        return Ok(true);
    }
    // Everybody sees their own memberships.
    let mut tx = app.database.begin_read(&Scope::user(caller.user)).await?;
    let own = sqlx::query_scalar!("SELECT workspace_id FROM workspace_members WHERE user_id = $1", caller.user);
    let own = own.fetch_all(&mut *tx).await?;
    tx.rollback().await?;
    let other = other.unwrap_or_default();
    let mut tx = app.database.begin_read(&Scope::user(other)).await?;
    let shared = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM workspace_members WHERE user_id = $1 AND workspace_id = ANY($2)) AS "shared!""#,
        other,
        &own
    );
    let shared = shared.fetch_one(&mut *tx).await?;
    tx.rollback().await?;
    Ok(shared)
}
