//! The names of roles, and what they allow.

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use utoipa::ToSchema;
use uuid::Uuid;

use super::Permissions;
use crate::problem::{Problem, Result};

/// A role's name: `owner`, `admin`, `editor`, `viewer`, or that of a role of the workspace's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(transparent)]
#[sqlx(transparent)]
#[schema(value_type = String, pattern = r"^[a-z][a-z0-9_-]{0,62}$", example = "editor")]
pub struct RoleName(String);

impl RoleName {
    /// The roles that every workspace has, from the least to the most.
    pub const BUILT_IN: [&str; 4] = ["viewer", "editor", "admin", "owner"];

    /// As it is stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it may do everything.
    pub fn is_owner(&self) -> bool {
        self.0 == "owner"
    }

    /// Whether every workspace has it.
    pub fn is_built_in(&self) -> bool {
        Self::BUILT_IN.contains(&self.as_str())
    }

    /// What it allows in a workspace; `None` if there is no such role. The database has the only table of that.
    pub async fn permissions(&self, connection: &mut PgConnection, workspace: Uuid) -> Result<Option<Permissions>> {
        let names = sqlx::query_scalar!("SELECT breakwater_role_permissions($1, $2)", workspace, self.as_str());
        Ok(names.fetch_one(connection).await?.map(|names| Permissions::named(&names)))
    }

    /// The same; 422 at `/role` if there is no such role.
    pub async fn existing(&self, connection: &mut PgConnection, workspace: Uuid) -> Result<Permissions> {
        let permissions = self.permissions(connection, workspace).await?;
        permissions.ok_or_else(|| Problem::invalid_field("/role", "unknown", "is no role of this workspace"))
    }
}
