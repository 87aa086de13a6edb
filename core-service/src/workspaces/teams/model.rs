//! A team's row and its representation.

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::access::{Access, Permissions, RoleName};
use crate::problem::{Problem, Result, kinds};

/// A team's name.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(
    as = TeamName,
    min_length = 1,
    max_length = 100,
    pattern = r"^[^\x00-\x1f\x7f-\x9f]*[^\x00-\x1f\x7f-\x9f\s][^\x00-\x1f\x7f-\x9f]*$",
    example = "Pilots",
)]
pub(super) struct Name(pub(super) String);

/// A team.
#[derive(Debug, Serialize, ToSchema)]
pub struct Team {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    #[schema(example = "Pilots")]
    pub name: String,
    /// What its members are besides what they are themselves.
    #[schema(required = true)]
    pub role: Option<RoleName>,
    /// Rises with every change; its ETag.
    pub version: i64,
    /// When it was created.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// When it was last changed.
    #[serde(with = "time::serde::rfc3339")]
    pub updated_at: OffsetDateTime,
}

impl Team {
    /// The team, 404 if there is none.
    pub(super) async fn find(connection: &mut PgConnection, workspace: Uuid, id: Uuid) -> Result<Self> {
        sqlx::query_as!(
            Self,
            r#"SELECT id, name, role AS "role: RoleName", version, created_at, updated_at
               FROM teams WHERE workspace_id = $1 AND id = $2"#,
            workspace,
            id
        )
        .fetch_optional(connection)
        .await?
        .ok_or_else(Problem::not_found)
    }

    /// The same, locked until the transaction ends. The caller may manage teams.
    pub(super) async fn lock(connection: &mut PgConnection, workspace: Uuid, id: Uuid) -> Result<Self> {
        sqlx::query_as!(
            Self,
            r#"SELECT id, name, role AS "role: RoleName", version, created_at, updated_at
               FROM teams WHERE workspace_id = $1 AND id = $2 FOR UPDATE"#,
            workspace,
            id
        )
        .fetch_optional(connection)
        .await?
        .ok_or_else(Problem::not_found)
    }
}

/// 422 for a role that teams cannot have, 403 for one that gives more than the caller has.
pub(super) async fn may_give(
    connection: &mut PgConnection,
    access: &Access,
    workspace: Uuid,
    role: Option<&RoleName>,
) -> Result<()> {
    let permissions = match role {
        None => Permissions::default(),
        Some(role) if role.is_owner() => {
            return Err(Problem::invalid_field("/role", "enum", "a team is no owner"));
        }
        Some(role) => role.existing(connection, workspace).await?,
    };
    access.cover(permissions)
}

/// What a broken `teams_name` means.
pub(super) fn name_taken() -> Problem {
    Problem::new(&kinds::NAME_TAKEN).detail("Another team of this workspace has this name.")
}
