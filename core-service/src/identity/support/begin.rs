//! `POST …/workspaces/{workspace}/support-sessions`

use axum::extract::State;
use axum::response::IntoResponse;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Support, sessions, staff};
use crate::app::AppState;
use crate::audit::{self, Action, Event};
use crate::database::Scope;
use crate::http::{Json, Path};
use crate::identity::letters::{self, Page, Reader};
use crate::identity::session::Origin;
use crate::identity::tokens::{NO_STORE, Tokens};
use crate::identity::user::User;
use crate::identity::{UserSession, step_up};
use crate::mail::Template;
use crate::problem::{self, Problem, Result, kinds};

/// In whose name, and why.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSupportSession {
    /// A member of the workspace.
    user: Uuid,
    /// Why: the member and the workspace read it.
    #[schema(
        min_length = 1,
        max_length = 500,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]*[^\x00-\x1f\x7f-\x9f\s][^\x00-\x1f\x7f-\x9f]*$",
        example = "Ticket 4711"
    )]
    reason: String,
}

/// A session in somebody else's name.
#[derive(Serialize, ToSchema)]
pub struct SupportSession {
    /// Its id.
    id: Uuid,
    /// When it ends, whatever happens.
    #[serde(with = "time::serde::rfc3339")]
    ends_at: OffsetDateTime,
    #[serde(flatten)]
    tokens: Tokens,
}

/// Act in a member's name
///
/// For support, in workspaces that consent: an hour at the most, with the member's sight and without their powers. Needs a
/// session with a second factor, and a recent proof of who is asking (`identity.step_up`). The member gets a mail.
#[utoipa::path(
    post,
    path = "/api/v1/workspaces/{workspace}/support-sessions",
    operation_id = "support.begin",
    tag = "support",
    security(("bearer" = [])),
    params(("workspace" = Uuid, Path, description = "The workspace's id")),
    request_body = NewSupportSession,
    responses(
        (status = CREATED, description = "Tokens in the member's name", body = SupportSession),
        problem::Always, problem::AuthorizedInSession, problem::Lookup, problem::Body,
    ),
)]
pub async fn begin(
    caller: UserSession,
    State(app): State<AppState>,
    Path(workspace): Path<Uuid>,
    origin: Origin,
    Json(new): Json<NewSupportSession>,
) -> Result<impl IntoResponse> {
    // The database shows this scope what the member sees, and lets it write into the workspace's trail.
    let mut tx = app.database.begin(&Scope::identity_of(new.user).in_workspace(workspace)).await?;
    staff::require(&mut tx, caller.user).await?;
    if !caller.mfa {
        return Err(Problem::new(&kinds::MFA_NEEDED).detail("Support needs a session with a second factor."));
    }
    step_up::require(&mut tx, &app, &caller).await?;
    let consents = sqlx::query_scalar!(r#"SELECT breakwater_support_consents($1) AS "consents!""#, caller.user);
    if !consents.fetch_one(&mut *tx).await? {
        return Err(Problem::forbidden().detail("The workspace does not consent, or does not any more."));
    }
    let name = sqlx::query_scalar!(
        "SELECT w.name FROM workspaces w JOIN workspace_members m ON m.workspace_id = w.id
         WHERE w.id = $1 AND m.user_id = $2",
        workspace,
        new.user
    );
    let unknown = || Problem::invalid_field("/user", "unknown", "is no member of this workspace");
    let name = name.fetch_optional(&mut *tx).await?.ok_or_else(unknown)?;
    let member = User::find(&mut tx, new.user).await?.ok_or_else(unknown)?;
    let support = Support { by: caller.user, workspace };
    let (session, refresh) = sessions::begin(&mut tx, &app, member.id, support, &origin, &new.reason).await?;
    let acting = UserSession { user: member.id, session: session.id, mfa: true, support: Some(support) };
    let details = json!({ "reason": new.reason, "session": session.id });
    let event = |event: Event| event.about("member", member.id).with(details.clone());
    audit::record(&mut tx, event(Event::by(&acting, Action::SupportBegan).in_workspace(workspace))).await?;
    audit::record(&mut tx, event(Event::by(&acting, Action::SupportBegan))).await?;
    let language = User::language(&mut tx, member.id).await?;
    let data = json!({
        "workspace": name,
        "why": new.reason,
        "until": session.ends_at.format(&Rfc3339).unwrap_or_default(),
        "link": Page::Sessions.link(&app, None),
    });
    let reader = Reader { email: &member.email, language: &language };
    let reason = format!("support {}", session.id);
    letters::write(&mut tx, &app, reader, Template::SupportBegan, &reason, data).await?;
    tx.commit().await?;
    let tokens = Tokens::issue(&app, acting, &refresh).await?;
    let session = SupportSession { id: session.id, ends_at: session.ends_at, tokens };
    Ok((StatusCode::CREATED, NO_STORE, Json(session)))
}
