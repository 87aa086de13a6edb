//! A workspace's row and its representation.

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::access::RoleName;
use crate::problem::{Problem, Result};

/// A workspace's name: 1 to 100 characters, something to see among them, no control characters.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(
    as = WorkspaceName,
    min_length = 1,
    max_length = 100,
    pattern = r"^[^\x00-\x1f\x7f-\x9f]*[^\x00-\x1f\x7f-\x9f\s][^\x00-\x1f\x7f-\x9f]*$",
    example = "Harbour works",
)]
pub(super) struct Name(pub(super) String);

/// A workspace.
#[derive(Debug, Serialize, ToSchema)]
pub struct Workspace {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    #[schema(example = "Harbour works")]
    pub name: String,
    /// Whether members need a session with a second factor.
    pub mfa_required: bool,
    /// Rises with every change; its ETag.
    pub version: i64,
    /// When it was created.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// When it was last changed.
    #[serde(with = "time::serde::rfc3339")]
    pub updated_at: OffsetDateTime,
}

/// A workspace, and what the caller is in it.
#[derive(Debug, Serialize, ToSchema)]
pub struct OwnWorkspace {
    /// The workspace.
    #[serde(flatten)]
    pub workspace: Workspace,
    /// The caller's role.
    pub role: RoleName,
}

/// The workspace, 404 if the caller is no member.
pub(super) async fn find(connection: &mut PgConnection, id: Uuid) -> Result<Workspace> {
    sqlx::query_as!(
        Workspace,
        "SELECT id, name, mfa_required, version, created_at, updated_at FROM workspaces WHERE id = $1",
        id
    )
    .fetch_optional(connection)
    .await?
    .ok_or_else(Problem::not_found)
}

/// The same, locked: until the transaction ends nobody else changes it, its members or their roles. Decide what the
/// caller may do only after this: a role read before may be gone.
pub(super) async fn lock(connection: &mut PgConnection, id: Uuid) -> Result<Workspace> {
    sqlx::query_as!(
        Workspace,
        "SELECT id, name, mfa_required, version, created_at, updated_at FROM workspaces WHERE id = $1
         FOR NO KEY UPDATE",
        id
    )
    .fetch_optional(connection)
    .await?
    .ok_or_else(Problem::not_found)
}
