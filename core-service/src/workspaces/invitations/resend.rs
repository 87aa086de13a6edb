//! `POST …/invitations/{invitation}/resend`

use axum::extract::State;
use http::HeaderMap;
use serde_json::json;
use uuid::Uuid;

use super::model::{DAYS, Invitation, may_put_into};
use crate::access::{Permission, RoleName, authorize};
use crate::app::AppState;
use crate::audit::{self, Action, Event};
use crate::http::{Json, Path};
use crate::identity::{Caller, Code, Invitee};
use crate::problem::{self, Problem, Result};

/// Send an invitation again
///
/// With another code, for another week; the code before is worth nothing any more. It is then the caller who invites.
#[utoipa::path(
    post,
    path = "/api/v1/workspaces/{workspace}/invitations/{invitation}/resend",
    operation_id = "invitations.resend",
    tag = "workspaces",
    security(("bearer" = [])),
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
        ("invitation" = Uuid, Path, description = "The invitation's id"),
    ),
    responses(
        (status = OK, description = "The invitation", body = Invitation),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup, problem::Guessed,
    ),
)]
pub async fn resend(
    caller: Caller,
    State(app): State<AppState>,
    Path((workspace, id)): Path<(Uuid, Uuid)>,
    headers: HeaderMap,
) -> Result<Json<Invitation>> {
    let mut looking = app.database.begin(&caller.scope().in_workspace(workspace)).await?;
    let access = authorize(&mut looking, &caller, workspace, Permission::MembersManage).await?;
    let email = Invitation::lock(&mut looking, &access, workspace, id).await?.email;
    drop(looking);
    // Between two transactions: with one it would hold a second connection.
    let invitee = Invitee::find(&app, &caller, &email, &headers).await?;
    let mut tx = app.database.begin(&caller.scope().in_workspace(workspace)).await?;
    let access = authorize(&mut tx, &caller, workspace, Permission::MembersManage).await?;
    let before = Invitation::lock(&mut tx, &access, workspace, id).await?;
    may_put_into(&mut tx, &access, workspace, &before.teams).await?;
    let code = Code::new().map_err(Problem::internal)?;
    let invitation = sqlx::query_as!(
        Invitation,
        r#"UPDATE invitations SET code_hash = $2, invited_by = $3, expires_at = now() + make_interval(days => $4)
           WHERE id = $1
           RETURNING id, email, role AS "role: RoleName", teams, invited_by, created_at, expires_at"#,
        id,
        &code.hash()[..],
        caller.user,
        DAYS
    )
    .fetch_one(&mut *tx)
    .await?;
    invitation.write(&mut tx, &app, workspace, &code, &invitee).await?;
    let event = Event::by(&caller, Action::InvitationResent).in_workspace(workspace).about("invitation", id);
    audit::record(&mut tx, event.with(json!({ "email": invitation.email }))).await?;
    tx.commit().await?;
    Ok(Json(invitation))
}
