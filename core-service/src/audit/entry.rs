//! An event as it is read.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::PgConnection;
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// Something that happened.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditEvent {
    /// Its id.
    pub id: Uuid,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// What happened, `resource.what-happened`.
    #[schema(example = "member.changed")]
    pub action: String,
    /// How it ended: `success`, `failure` or `denied`.
    #[schema(example = "success")]
    pub outcome: String,
    /// Who did it: `user`, `anonymous`, `operator` (a command at the machine) or `system`.
    #[schema(example = "user")]
    pub actor: String,
    /// The user who did it.
    #[schema(required = true)]
    pub actor_id: Option<Uuid>,
    /// The session they did it in.
    #[schema(required = true)]
    pub session_id: Option<Uuid>,
    /// Who acted in their name.
    #[schema(required = true)]
    pub impersonator_id: Option<Uuid>,
    /// The account that it concerns.
    #[schema(required = true)]
    pub user_id: Option<Uuid>,
    /// What kind of thing it was done to.
    #[schema(required = true)]
    pub target_type: Option<String>,
    /// Which one.
    #[schema(required = true)]
    pub target_id: Option<String>,
    /// The client's address.
    #[schema(required = true)]
    pub address: Option<String>,
    /// The client, in its own words.
    #[schema(required = true)]
    pub user_agent: Option<String>,
    /// The request, as in `x-request-id` and in log lines.
    #[schema(required = true)]
    pub request_id: Option<String>,
    /// More about it.
    #[schema(value_type = Object)]
    pub details: Value,
}

/// Which events.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// Of this action only.
    #[param(example = "member.changed")]
    pub action: Option<String>,
    /// Done by this user only.
    pub actor_id: Option<Uuid>,
    /// So ended: `success`, `failure` or `denied`.
    pub outcome: Option<String>,
    /// Done to this only, an id or a name.
    pub target_id: Option<String>,
    /// Not before this moment.
    #[serde(default, with = "time::serde::rfc3339::option")]
    #[param(value_type = Option<String>, format = "date-time")]
    pub since: Option<OffsetDateTime>,
    /// Before this moment.
    #[serde(default, with = "time::serde::rfc3339::option")]
    #[param(value_type = Option<String>, format = "date-time")]
    pub until: Option<OffsetDateTime>,
}

/// Events of a workspace, the newest first, older than `before`.
pub(super) async fn newest(
    connection: &mut PgConnection,
    workspace: Uuid,
    wanted: &Wanted,
    before: Option<Uuid>,
    most: i64,
) -> Result<Vec<AuditEvent>, sqlx::Error> {
    sqlx::query_as!(
        AuditEvent,
        "SELECT id, at, action, outcome, actor, actor_id, session_id, impersonator_id, user_id, target_type, target_id,
                address, user_agent, request_id, details
         FROM audit_events
         WHERE workspace_id = $1 AND ($2::uuid IS NULL OR id < $2)
           AND ($3::text IS NULL OR action = $3) AND ($4::uuid IS NULL OR actor_id = $4)
           AND ($5::text IS NULL OR outcome = $5) AND ($6::text IS NULL OR target_id = $6)
           AND ($7::timestamptz IS NULL OR at >= $7) AND ($8::timestamptz IS NULL OR at < $8)
         ORDER BY id DESC LIMIT $9",
        workspace,
        before,
        wanted.action,
        wanted.actor_id,
        wanted.outcome,
        wanted.target_id,
        wanted.since,
        wanted.until,
        most
    )
    .fetch_all(connection)
    .await
}

/// Events of a user's account, the newest first, older than `before`.
pub(super) async fn newest_of_user(
    connection: &mut PgConnection,
    user: Uuid,
    before: Option<Uuid>,
    most: i64,
) -> Result<Vec<AuditEvent>, sqlx::Error> {
    sqlx::query_as!(
        AuditEvent,
        "SELECT id, at, action, outcome, actor, actor_id, session_id, impersonator_id, user_id, target_type, target_id,
                address, user_agent, request_id, details
         FROM audit_events
         WHERE workspace_id IS NULL AND user_id = $1 AND ($2::uuid IS NULL OR id < $2)
         ORDER BY id DESC LIMIT $3",
        user,
        before,
        most
    )
    .fetch_all(connection)
    .await
}
