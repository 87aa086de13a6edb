//! `POST /api/v1/invitations/accept`

use axum::extract::State;
use serde_json::json;
use uuid::Uuid;

use super::model::{InvitationCode, invalid};
use crate::access::RoleName;
use crate::app::AppState;
use crate::audit::{self, Action, Event};
use crate::database;
use crate::http::Json;
use crate::identity::UserSession;
use crate::problem::{self, OnConstraint, Problem, Result, kinds};
use crate::workspaces::model::{OwnWorkspace, find};

/// Accept an invitation
///
/// With the code from the mail. The caller's account has the address that was invited; who verified it before needs no
/// code (`invitations.own.accept`).
#[utoipa::path(
    post,
    path = "/api/v1/invitations/accept",
    operation_id = "invitations.accept",
    tag = "workspaces",
    security(("bearer" = [])),
    request_body = InvitationCode,
    responses(
        (status = OK, description = "The workspace", body = OwnWorkspace),
        problem::Always, problem::AuthorizedInSession, problem::Body, problem::Conflicting,
    ),
    extensions(("x-breakwater-limits" = json!(["sign-in"]))),
)]
pub async fn accept(
    caller: UserSession,
    State(app): State<AppState>,
    Json(code): Json<InvitationCode>,
) -> Result<Json<OwnWorkspace>> {
    let hash = code.hash()?;
    let mut tx = app.database.begin(&caller.scope().invited(hash)).await?;
    let found =
        sqlx::query!(r#"SELECT id AS "id!", acceptable AS "acceptable!" FROM breakwater_invited() WHERE by_code"#);
    let found = found.fetch_optional(&mut *tx).await?.ok_or_else(invalid)?;
    if !found.acceptable {
        return Err(Problem::forbidden().detail("This invitation is to another address."));
    }
    join(tx, &caller, found.id).await?.map(Json).ok_or_else(invalid)
}

/// Makes the caller what an invitation says, that they may accept; `None` if there is no such invitation (any more).
pub(super) async fn join(mut tx: database::Tx, caller: &UserSession, id: Uuid) -> Result<Option<OwnWorkspace>> {
    let found = sqlx::query!(
        r#"SELECT workspace_id AS "workspace!", role AS "role!: RoleName", teams AS "teams!"
           FROM breakwater_invited() WHERE id = $1 AND acceptable"#,
        id
    );
    let Some(invitation) = found.fetch_optional(&mut *tx).await? else {
        return Ok(None);
    };
    let workspace = invitation.workspace;
    database::enter(&mut tx, workspace).await?;
    let holds = sqlx::query_scalar!(r#"SELECT coalesce(breakwater_invitation_holds($1), false) AS "holds!""#, id);
    if !holds.fetch_one(&mut *tx).await? {
        return Ok(None);
    }
    sqlx::query!(
        "INSERT INTO workspace_members (workspace_id, user_id, role) VALUES ($1, $2, $3)",
        workspace,
        caller.user,
        invitation.role.as_str()
    )
    .execute(&mut *tx)
    .await
    .on_constraint("workspace_members_pkey", || Problem::new(&kinds::ALREADY_MEMBER))?;
    sqlx::query!(
        "INSERT INTO team_members (workspace_id, team_id, user_id)
         SELECT workspace_id, id, $2 FROM teams WHERE workspace_id = $1 AND id = ANY ($3)",
        workspace,
        caller.user,
        &invitation.teams
    )
    .execute(&mut *tx)
    .await?;
    // This is what makes an invitation good once.
    if sqlx::query!("DELETE FROM invitations WHERE id = $1", id).execute(&mut *tx).await?.rows_affected() == 0 {
        return Ok(None);
    }
    let event = Event::by(caller, Action::InvitationAccepted).in_workspace(workspace).about("member", caller.user);
    let details = json!({ "invitation": id, "role": invitation.role, "teams": invitation.teams });
    audit::record(&mut tx, event.with(details)).await?;
    let workspace = find(&mut tx, workspace).await?;
    tx.commit().await?;
    Ok(Some(OwnWorkspace { workspace, role: invitation.role }))
}
