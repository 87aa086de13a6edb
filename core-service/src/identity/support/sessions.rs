//! The sessions that are in support's hands.

use std::time::Duration;

use serde::Serialize;
use sqlx::PgConnection;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use super::Support;
use crate::app::AppState;
use crate::identity::Opaque;
use crate::identity::session::{self, Because, Life, Origin};
use crate::problem::Result;

/// No session of support's lives longer, nor longer than the consent.
const LONGEST: Duration = Duration::from_secs(3600);

/// A session in which support acts, as the workspace sees it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Acting {
    /// Its id.
    id: Uuid,
    /// In whose name.
    user: Uuid,
    /// Who acts.
    support: Uuid,
    /// Why.
    reason: String,
    /// Since when.
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    /// Until when at the most.
    #[serde(with = "time::serde::rfc3339")]
    ends_at: OffsetDateTime,
}

/// One that has begun.
pub(super) struct Begun {
    pub(super) id: Uuid,
    pub(super) ends_at: OffsetDateTime,
}

/// Begins one of `user`'s, and its first refresh token. The transaction works in the workspace.
pub(super) async fn begin(
    connection: &mut PgConnection,
    app: &AppState,
    user: Uuid,
    support: Support,
    origin: &Origin,
    reason: &str,
) -> Result<(Begun, Opaque)> {
    let life = Life { idle: LONGEST, longest: LONGEST };
    let key = &app.identity.refresh_key;
    let (id, refresh) = session::begin(&mut *connection, key, user, origin, life, true).await?;
    // Nobody proved in it who they are.
    let ends_at = sqlx::query_scalar!(
        r#"UPDATE sessions SET impersonator_id = $2, support_workspace = $3, support_reason = $4, authenticated_at = NULL,
             not_after = least(sessions.expires_at, c.expires_at), expires_at = least(sessions.expires_at, c.expires_at)
           FROM support_consents c WHERE sessions.id = $1 AND c.workspace_id = $3 RETURNING not_after AS "ends_at!""#,
        id,
        support.by,
        support.workspace,
        reason
    )
    .fetch_one(connection)
    .await?;
    Ok((Begun { id, ends_at }, refresh))
}

/// Those that live in a workspace, the newest first.
pub(super) async fn living(connection: &mut PgConnection, workspace: Uuid) -> Result<Vec<Acting>> {
    let living = sqlx::query_as!(
        Acting,
        r#"SELECT id, user_id AS user, impersonator_id AS "support!", support_reason AS "reason!", created_at,
                  not_after AS "ends_at!"
           FROM sessions WHERE support_workspace = $1 AND ended_at IS NULL AND expires_at > now() ORDER BY id DESC"#,
        workspace
    );
    Ok(living.fetch_all(connection).await?)
}

/// Ends those; how many there were.
pub(super) async fn end(connection: &mut PgConnection, workspace: Uuid) -> Result<u64> {
    let ended = sqlx::query!(
        "UPDATE sessions SET ended_at = now(), ended_because = $2 WHERE support_workspace = $1 AND ended_at IS NULL",
        workspace,
        Because::SupportConsent.word()
    );
    Ok(ended.execute(connection).await?.rows_affected())
}
