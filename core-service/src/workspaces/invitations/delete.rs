//! `DELETE …/invitations/{invitation}`

use axum::extract::State;
use http::StatusCode;
use serde_json::json;
use uuid::Uuid;

use super::model::Invitation;
use crate::access::{Permission, authorize};
use crate::app::AppState;
use crate::audit::{self, Action, Event};
use crate::http::Path;
use crate::identity::Caller;
use crate::problem::{self, Result};

/// Take an invitation back
#[utoipa::path(
    delete,
    path = "/api/v1/workspaces/{workspace}/invitations/{invitation}",
    operation_id = "invitations.delete",
    tag = "workspaces",
    security(("bearer" = [])),
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
        ("invitation" = Uuid, Path, description = "The invitation's id"),
    ),
    responses(
        (status = NO_CONTENT, description = "Its code is worth nothing any more"),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup,
    ),
)]
pub async fn delete(
    caller: Caller,
    State(app): State<AppState>,
    Path((workspace, id)): Path<(Uuid, Uuid)>,
) -> Result<StatusCode> {
    let mut tx = app.database.begin(&caller.scope().in_workspace(workspace)).await?;
    let access = authorize(&mut tx, &caller, workspace, Permission::MembersManage).await?;
    let invitation = Invitation::lock(&mut tx, &access, workspace, id).await?;
    sqlx::query!("DELETE FROM invitations WHERE id = $1", id).execute(&mut *tx).await?;
    let event = Event::by(&caller, Action::InvitationWithdrawn).in_workspace(workspace).about("invitation", id);
    audit::record(&mut tx, event.with(json!({ "email": invitation.email }))).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
