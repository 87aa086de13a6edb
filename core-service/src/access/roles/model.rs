//! A role's row and its representation.

use serde::Serialize;
use sqlx::PgConnection;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::access::RoleName;
use crate::problem::{Problem, Result};

/// A role.
#[derive(Debug, Serialize, ToSchema)]
pub struct Role {
    /// Its name.
    pub name: RoleName,
    /// What it is for.
    #[schema(required = true)]
    pub description: Option<String>,
    /// What it allows.
    #[schema(example = json!(["workspace:read", "collections:read", "documents:read"]))]
    pub permissions: Vec<String>,
    /// Whether every workspace has it; such a role never changes.
    pub built_in: bool,
    /// Rises with every change; its ETag.
    pub version: i64,
    /// When it was made; null of built-in ones.
    #[serde(with = "time::serde::rfc3339::option")]
    #[schema(required = true)]
    pub created_at: Option<OffsetDateTime>,
    /// When it was last changed; null of built-in ones.
    #[serde(with = "time::serde::rfc3339::option")]
    #[schema(required = true)]
    pub updated_at: Option<OffsetDateTime>,
}

impl Role {
    /// The role, 404 if there is none.
    pub(super) async fn find(connection: &mut PgConnection, workspace: Uuid, name: &RoleName) -> Result<Self> {
        if name.is_built_in() {
            let permissions = name.permissions(connection, workspace).await?.unwrap_or_default();
            return Ok(Self::built_in(name.clone(), permissions.names()));
        }
        sqlx::query_as!(
            Self,
            r#"SELECT name AS "name: RoleName", description, permissions, false AS "built_in!", version, created_at,
                      updated_at
               FROM roles WHERE workspace_id = $1 AND name = $2"#,
            workspace,
            name.as_str()
        )
        .fetch_optional(connection)
        .await?
        .ok_or_else(Problem::not_found)
    }

    /// A role of the workspace's own, locked until the transaction ends; 409 for a built-in one.
    pub(super) async fn lock(connection: &mut PgConnection, workspace: Uuid, name: &RoleName) -> Result<Self> {
        if name.is_built_in() {
            return Err(Problem::conflict("Built-in roles never change."));
        }
        // Not FOR UPDATE: row-level security shows that to those alone who may change it, and others are to be told why.
        sqlx::query!(
            "SELECT pg_advisory_xact_lock(1919904869, hashtext($1::text || $2))",
            workspace.to_string(),
            name.as_str()
        )
        .execute(&mut *connection)
        .await?;
        Self::find(connection, workspace, name).await
    }

    pub(super) fn built_in(name: RoleName, permissions: Vec<String>) -> Self {
        Self { name, description: None, permissions, built_in: true, version: 1, created_at: None, updated_at: None }
    }
}
