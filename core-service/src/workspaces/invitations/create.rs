//! `POST …/workspaces/{workspace}/invitations`

use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::model::{DAYS, Invitation, may_give, may_put_into};
use crate::access::{Permission, RoleName, authorize};
use crate::app::AppState;
use crate::audit::{self, Action, Event};
use crate::http::{Attempt, Idempotency, Json, Path};
use crate::identity::{Caller, Code, Invitee, normalised};
use crate::problem::{self, Problem, Result, kinds};
use crate::workspaces::model::lock;

/// How many invitations of a workspace may be open: each is a mail to somebody who did not ask for it.
const MOST_OPEN: i64 = 200;

/// An invitation to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewInvitation {
    /// To whom, registered or not.
    #[schema(format = "email", max_length = 254, example = "mate@example.com")]
    email: String,
    /// What they are to be. It allows nothing that the caller may not do.
    role: RoleName,
    /// The teams that they are to be in, which needs the permission `teams:manage`.
    #[serde(default)]
    #[schema(max_items = 50)]
    teams: Vec<Uuid>,
}

/// Invite somebody by mail
///
/// The answer is the same whether the address has an account or not. An address gets five such mails within an hour at
/// the most, whichever workspaces they come from; the invitation is there all the same.
#[utoipa::path(
    post,
    path = "/api/v1/workspaces/{workspace}/invitations",
    operation_id = "invitations.create",
    tag = "workspaces",
    security(("bearer" = [])),
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes repeating safe"),
    ),
    request_body = NewInvitation,
    responses(
        (status = CREATED, description = "The invitation", body = Invitation, headers(
            ("location" = String, description = "Where it is"),
        )),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup, problem::Body,
        problem::Conflicting, problem::Guessed,
    ),
)]
pub async fn create(
    caller: Caller,
    State(app): State<AppState>,
    Path(workspace): Path<Uuid>,
    headers: HeaderMap,
    idempotency: Idempotency,
    Json(new): Json<NewInvitation>,
) -> Result<Response> {
    let email = normalised(&new.email);
    if email.chars().count() > 254 {
        return Err(Problem::invalid_field("/email", "maxLength", "is too long in lower case"));
    }
    // Before the transaction, which would hold a second connection.
    let invitee = Invitee::find(&app, &caller, &email, &headers).await?;
    let mut tx = match idempotency.begin(&app, &caller.scope().in_workspace(workspace)).await? {
        Attempt::Repeated(answer) => return Ok(answer),
        Attempt::First(tx) => tx,
    };
    lock(&mut tx, workspace).await?;
    let access = authorize(&mut tx, &caller, workspace, Permission::MembersManage).await?;
    may_give(&mut tx, &access, workspace, &new.role).await?;
    may_put_into(&mut tx, &access, workspace, &new.teams).await?;
    let there = sqlx::query!(
        r#"SELECT EXISTS (SELECT FROM workspace_members WHERE workspace_id = $1 AND user_id = $2) AS "member!",
                  (SELECT count(*) FROM invitations WHERE workspace_id = $1 AND expires_at > now()) AS "open!""#,
        workspace,
        invitee.user
    )
    .fetch_one(&mut **tx)
    .await?;
    if there.member {
        return Err(Problem::new(&kinds::ALREADY_MEMBER));
    }
    if there.open >= MOST_OPEN {
        return Err(Problem::conflict(format!("There are {MOST_OPEN} open invitations. Take some back first.")));
    }
    let code = Code::new().map_err(Problem::internal)?;
    // In the place of one that is over.
    let invitation = sqlx::query_as!(
        Invitation,
        r#"INSERT INTO invitations AS old (id, workspace_id, email, role, teams, code_hash, invited_by, expires_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, now() + make_interval(days => $8))
           ON CONFLICT ON CONSTRAINT invitations_email DO UPDATE
           SET id = excluded.id, role = excluded.role, teams = excluded.teams, code_hash = excluded.code_hash,
               invited_by = excluded.invited_by, created_at = now(), expires_at = excluded.expires_at
           WHERE old.expires_at <= now()
           RETURNING id, email, role AS "role: RoleName", teams, invited_by, created_at, expires_at"#,
        Uuid::now_v7(),
        workspace,
        email,
        new.role.as_str(),
        &new.teams,
        &code.hash()[..],
        caller.user,
        DAYS
    )
    .fetch_optional(&mut **tx)
    .await?
    .ok_or_else(|| Problem::conflict("There is an open invitation to this address. Send it again, or take it back."))?;
    invitation.write(&mut tx, &app, workspace, &code, &invitee).await?;
    let event = Event::by(&caller, Action::MemberInvited).in_workspace(workspace).about("invitation", invitation.id);
    let details = json!({ "email": invitation.email, "role": invitation.role, "teams": invitation.teams });
    audit::record(&mut tx, event.with(details)).await?;
    let location = [(header::LOCATION, format!("/api/v1/workspaces/{workspace}/invitations/{}", invitation.id))];
    tx.commit((StatusCode::CREATED, location, Json(invitation))).await
}
