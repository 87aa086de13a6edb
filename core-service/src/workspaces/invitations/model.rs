//! An invitation's row, its representations and its mail.

use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgConnection;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::access::{Access, Permission, RoleName};
use crate::app::AppState;
use crate::identity::letters::{self, Page, Reader};
use crate::identity::{Code, Invitee};
use crate::mail::Template;
use crate::problem::{Problem, Result, kinds};
use crate::workspaces::model::find;
use crate::workspaces::teams;

/// For how long one can be accepted.
pub(super) const DAYS: i32 = 7;

/// An invitation that nobody has accepted yet.
#[derive(Debug, Serialize, ToSchema)]
pub struct Invitation {
    /// Its id.
    pub id: Uuid,
    /// To whom.
    #[schema(format = "email")]
    pub email: String,
    /// What they would be.
    pub role: RoleName,
    /// The teams that they would be in.
    pub teams: Vec<Uuid>,
    /// Who invited them.
    pub invited_by: Uuid,
    /// When they were invited first.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// Until when it can be accepted.
    #[serde(with = "time::serde::rfc3339")]
    pub expires_at: OffsetDateTime,
}

/// Where an invitation leads, for who got it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Invited {
    /// Its id.
    pub id: Uuid,
    /// The workspace.
    pub workspace: Uuid,
    /// Its name.
    pub workspace_name: String,
    /// To whom: the account that accepts it has this address.
    #[schema(format = "email")]
    pub email: String,
    /// What they would be.
    pub role: RoleName,
    /// Until when it can be accepted.
    #[serde(with = "time::serde::rfc3339")]
    pub expires_at: OffsetDateTime,
}

/// The code of an invitation.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InvitationCode {
    /// As it is in the mail.
    #[schema(max_length = 100, example = "7KQ2M-…")]
    code: String,
}

impl InvitationCode {
    /// What is stored of it.
    pub(super) fn hash(&self) -> Result<[u8; 32]> {
        Code::read(&self.code).map(|code| code.hash()).ok_or_else(invalid)
    }
}

impl Invitation {
    /// The invitation, locked, which the caller may manage: 404 if there is none, 403 if it gives more than they have.
    pub(super) async fn lock(
        connection: &mut PgConnection,
        access: &Access,
        workspace: Uuid,
        id: Uuid,
    ) -> Result<Self> {
        let found = sqlx::query_as!(
            Self,
            r#"SELECT id, email, role AS "role: RoleName", teams, invited_by, created_at, expires_at
               FROM invitations WHERE workspace_id = $1 AND id = $2 FOR UPDATE"#,
            workspace,
            id
        );
        let found = found.fetch_optional(&mut *connection).await?.ok_or_else(Problem::not_found)?;
        may_give(connection, access, workspace, &found.role).await?;
        Ok(found)
    }

    /// Writes to whom it is, unless they were written to often.
    pub(super) async fn write(
        &self,
        connection: &mut PgConnection,
        app: &AppState,
        workspace: Uuid,
        code: &Code,
        invitee: &Invitee,
    ) -> Result<()> {
        if !invitee.may_be_written_to {
            tracing::info!(invitation = %self.id, "no mail: this address got many");
            return Ok(());
        }
        let data = json!({
            "workspace": find(&mut *connection, workspace).await?.name,
            "link": Page::AcceptInvitation.link(app, Some(code)),
            "code": code.text(),
            "days": DAYS.to_string(),
        });
        let reader = Reader { email: &self.email, language: &invitee.language };
        let reason = format!("invitation {}", Uuid::now_v7());
        letters::write(connection, app, reader, Template::Invitation, &reason, data).await?;
        Ok(())
    }
}

/// 422 for a role that there is not, 403 for one that gives more than the caller has.
pub(super) async fn may_give(
    connection: &mut PgConnection,
    access: &Access,
    workspace: Uuid,
    role: &RoleName,
) -> Result<()> {
    if role.is_owner() {
        access.require(Permission::OwnersManage)?;
    }
    access.cover(role.existing(connection, workspace).await?)
}

/// The same for teams to be in.
pub(super) async fn may_put_into(
    connection: &mut PgConnection,
    access: &Access,
    workspace: Uuid,
    wanted: &[Uuid],
) -> Result<()> {
    if wanted.is_empty() {
        return Ok(());
    }
    access.require(Permission::TeamsManage)?;
    for (index, team) in wanted.iter().enumerate() {
        if !teams::may_put_into(&mut *connection, access, workspace, *team).await? {
            return Err(Problem::invalid_field(format!("/teams/{index}"), "unknown", "is no team of this workspace"));
        }
    }
    Ok(())
}

/// No such invitation, or not any more. Which of them is not told.
pub(super) fn invalid() -> Problem {
    Problem::new(&kinds::INVALID_CODE).detail("The invitation was accepted, taken back, or is over. Ask for another.")
}
