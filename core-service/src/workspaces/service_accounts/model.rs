//! A service account's rows and its representation.

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::access::{Access, Permissions, RoleName};
use crate::problem::{Problem, Result, kinds};

/// A service account's name.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(
    as = ServiceAccountName,
    min_length = 1,
    max_length = 100,
    pattern = r"^[^\x00-\x1f\x7f-\x9f]*[^\x00-\x1f\x7f-\x9f\s][^\x00-\x1f\x7f-\x9f]*$",
    example = "Import",
)]
pub(super) struct Name(pub(super) String);

/// A service account.
#[derive(Debug, Serialize, ToSchema)]
pub struct ServiceAccount {
    /// Its id, which teams and grants know it by, as they know users.
    pub id: Uuid,
    /// The workspace that it belongs to.
    pub workspace_id: Uuid,
    /// Its name.
    #[schema(example = "Import")]
    pub name: String,
    /// What it may do.
    pub role: RoleName,
    /// Rises with every change; its ETag.
    pub version: i64,
    /// When it was created.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// When it was last changed.
    #[serde(with = "time::serde::rfc3339")]
    pub updated_at: OffsetDateTime,
}

impl ServiceAccount {
    /// The account, 404 if there is none.
    pub(super) async fn find(connection: &mut PgConnection, workspace: Uuid, id: Uuid) -> Result<Self> {
        sqlx::query_as!(
            Self,
            r#"SELECT a.id, a.workspace_id, a.name, m.role AS "role: RoleName", a.version, a.created_at, a.updated_at
               FROM service_accounts a JOIN workspace_members m ON m.workspace_id = a.workspace_id AND m.user_id = a.id
               WHERE a.workspace_id = $1 AND a.id = $2"#,
            workspace,
            id
        )
        .fetch_optional(connection)
        .await?
        .ok_or_else(Problem::not_found)
    }
}

/// The account that asks about itself.
pub(crate) async fn of_itself(
    connection: &mut PgConnection,
    id: Uuid,
) -> std::result::Result<Option<ServiceAccount>, sqlx::Error> {
    sqlx::query_as!(
        ServiceAccount,
        r#"SELECT a.id, a.workspace_id, a.name, m.role AS "role: RoleName", a.version, a.created_at, a.updated_at
           FROM service_accounts a JOIN workspace_members m ON m.workspace_id = a.workspace_id AND m.user_id = a.id
           WHERE a.id = $1"#,
        id
    )
    .fetch_optional(connection)
    .await
}

/// 422 for a role that service accounts cannot have, 403 for one that gives more than the caller has.
pub(super) async fn may_give(
    connection: &mut PgConnection,
    access: &Access,
    workspace: Uuid,
    role: &RoleName,
) -> Result<()> {
    if role.is_owner() {
        return Err(Problem::invalid_field("/role", "enum", "a service account is no owner"));
    }
    access.cover(role.existing(connection, workspace).await?)
}

/// 403 unless the caller may do all that the account may do, by its role and its teams. What is granted to it on single
/// things was granted by somebody who had it, to whoever manages the account.
pub(super) async fn cover(connection: &mut PgConnection, access: &Access, workspace: Uuid, id: Uuid) -> Result<()> {
    let names = sqlx::query_scalar!(
        r#"SELECT DISTINCT p AS "name!" FROM unnest(breakwater_roles($2)) r,
             unnest(breakwater_role_permissions($1, r)) p"#,
        workspace,
        id
    )
    .fetch_all(connection)
    .await?;
    access.cover(Permissions::named(&names))
}

/// What a broken `service_accounts_name` means.
pub(super) fn name_taken() -> Problem {
    Problem::new(&kinds::NAME_TAKEN).detail("Another service account of this workspace has this name.")
}
