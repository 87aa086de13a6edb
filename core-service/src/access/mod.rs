//! Who may do what in a workspace.
//!
//! Rules: [`Permission`]s are what handlers ask for, [`Role`]s are what members have, [`Role::allows`] is the only
//! table between the two, and [`authorize`] is the only function that decides. It decides in the transaction that
//! then does the work, so nothing can change in between that the work's own locks do not guard. A stranger learns
//! nothing of a workspace, not even that it exists: 404. A member is told which permission is missing: 403. Behind
//! all this, row-level security in the database keeps tenants apart (`migrations/0010_workspaces.sql`).

mod permission;
mod role;

use sqlx::PgConnection;
use uuid::Uuid;

pub use self::permission::Permission;
pub use self::role::Role;
use crate::identity::Caller;
use crate::problem::{Problem, Result};

/// Decides whether `caller` may do what `permission` names in `workspace`, and tells the role that allows it.
pub async fn authorize(
    connection: &mut PgConnection,
    caller: &Caller,
    workspace: Uuid,
    permission: Permission,
) -> Result<Role> {
    let role = sqlx::query_scalar!(
        r#"SELECT role AS "role: Role" FROM workspace_members WHERE workspace_id = $1 AND user_id = $2"#,
        workspace,
        caller.user
    )
    .fetch_optional(connection)
    .await?;
    let role = role.ok_or_else(Problem::not_found)?;
    role.require(permission)?;
    Ok(role)
}
