//! Who may do what in a workspace.
//!
//! Rules: handlers ask for [`Permission`]s; members have roles, built-in ones or the workspace's own ([`roles`]), and so
//! have their teams; permissions on single things are granted ([`grants`]); all of it only ever adds, nothing denies.
//! [`authorize`] and [`authorize_on`] are the only functions that decide, in one query, in the transaction that then
//! does the work, so that a change of permissions acts with the next request. Nobody gives more than they have
//! ([`Access::cover`]). A stranger learns nothing of a workspace, not even that it exists: 404. A member is told which
//! permission is missing: 403, which the audit trail keeps, and [`explain`] says why. Behind all this, row-level security
//! makes the same decision once more (`migrations/0042_access.sql`).

mod explain;
pub mod grants;
mod permission;
mod role;
pub mod roles;

use sqlx::PgConnection;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

pub use self::permission::{Permission, Permissions};
pub use self::role::RoleName;
pub(crate) use self::roles::whole;
use crate::app::AppState;
use crate::audit::Denied;
use crate::identity::Caller;
use crate::problem::{Problem, Result, kinds};

/// The room's routes.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().merge(roles::routes()).merge(grants::routes()).routes(routes!(explain::explain))
}

/// A single thing on which permissions can be granted.
#[derive(Debug, Clone, Copy)]
pub enum Resource<'a> {
    /// A collection, by its name.
    Collection(&'a str),
    /// A document in a collection.
    Document(&'a str, Uuid),
}

impl Resource<'_> {
    fn collection(&self) -> &str {
        match self {
            Self::Collection(name) | Self::Document(name, _) => name,
        }
    }

    fn document(&self) -> Option<Uuid> {
        match self {
            Self::Collection(_) => None,
            Self::Document(_, id) => Some(*id),
        }
    }
}

/// What a caller may do in a workspace.
#[derive(Debug, Clone)]
pub struct Access {
    caller: Caller,
    workspace: Uuid,
    roles: Vec<String>,
    /// In all of the workspace.
    everywhere: Permissions,
    /// On the thing that was asked about, by grants.
    granted: Permissions,
    /// Whether something inside that thing may be read.
    parts: bool,
}

impl Access {
    /// Whether the caller has the permission.
    pub fn allows(&self, permission: Permission) -> bool {
        self.everywhere.or(self.granted).contains(permission)
    }

    /// Whether the caller may read parts of the thing that was asked about, such as single documents of a collection.
    pub fn reads_parts(&self) -> bool {
        self.parts
    }

    /// 403, naming the permission, unless the caller has it.
    pub fn require(&self, permission: Permission) -> Result<()> {
        if self.allows(permission) { Ok(()) } else { Err(self.denied(permission)) }
    }

    /// 403 unless the caller has all of these in the whole workspace: nobody gives more than they have.
    pub fn cover(&self, permissions: Permissions) -> Result<()> {
        self.everywhere.lacks(permissions).map_or(Ok(()), |missing| Err(self.denied(missing)))
    }

    /// The caller's roles: their own and their teams'.
    pub fn roles(&self) -> &[String] {
        &self.roles
    }

    /// 403 about a field of a document.
    pub fn denied_field(&self, field: &str, why: &str) -> Problem {
        let denied = Denied { caller: self.caller, workspace: self.workspace, missing: field.to_owned() };
        Problem::forbidden().detail(format!("{field} {why}.")).refused(denied)
    }

    fn denied(&self, missing: Permission) -> Problem {
        let denied = Denied { caller: self.caller, workspace: self.workspace, missing: missing.to_string() };
        Problem::forbidden().detail(format!("This needs the permission {missing}.")).refused(denied)
    }
}

/// Decides whether `caller` may do what `permission` names in `workspace`, which the transaction must work in, and
/// tells what else they may.
pub async fn authorize(
    connection: &mut PgConnection,
    caller: &Caller,
    workspace: Uuid,
    permission: Permission,
) -> Result<Access> {
    let found = sqlx::query!(
        r#"SELECT cardinality(roles) > 0 AND breakwater_workspace_id() = $1 AND breakwater_user_id() = $2 AS "member!",
                  roles AS "roles!", permissions AS "permissions!",
                  (SELECT mfa_required FROM workspaces WHERE id = $1) AS mfa_required
           FROM breakwater_access()"#,
        workspace,
        caller.user
    )
    .fetch_one(connection)
    .await?;
    if !found.member {
        return Err(Problem::not_found());
    }
    demand_factor(caller, workspace, found.mfa_required)?;
    let everywhere = Permissions::named(&found.permissions);
    let granted = Permissions::default();
    let access = Access { caller: *caller, workspace, roles: found.roles, everywhere, granted, parts: false };
    access.require(permission)?;
    Ok(access)
}

/// The same about a single thing, on which it may be granted.
pub async fn authorize_on(
    connection: &mut PgConnection,
    caller: &Caller,
    workspace: Uuid,
    permission: Permission,
    resource: Resource<'_>,
) -> Result<Access> {
    let access = look_at(connection, caller, workspace, permission, resource).await?;
    access.require(permission)?;
    Ok(access)
}

/// What `caller` may do to a single thing, without deciding. Grants are looked at if they matter for `permission`.
pub async fn look_at(
    connection: &mut PgConnection,
    caller: &Caller,
    workspace: Uuid,
    permission: Permission,
    resource: Resource<'_>,
) -> Result<Access> {
    let found = sqlx::query!(
        r#"SELECT cardinality(a.roles) > 0 AND breakwater_workspace_id() = $1 AND breakwater_user_id() = $2 AS "member!",
                  a.roles AS "roles!", a.permissions AS "permissions!", g.permissions AS granted, g.parts,
                  (SELECT mfa_required FROM workspaces WHERE id = $1) AS mfa_required
           FROM breakwater_access() a, breakwater_grants_on($3 = ANY (a.permissions), $4, $5) g"#,
        workspace,
        caller.user,
        permission.name(),
        resource.collection(),
        resource.document()
    )
    .fetch_one(connection)
    .await?;
    if !found.member {
        return Err(Problem::not_found());
    }
    demand_factor(caller, workspace, found.mfa_required)?;
    Ok(Access {
        caller: *caller,
        workspace,
        roles: found.roles,
        everywhere: Permissions::named(&found.permissions),
        granted: Permissions::named(&found.granted.unwrap_or_default()),
        parts: found.parts.unwrap_or(false),
    })
}

/// 403 if the workspace wants sessions with a second factor and this is none. Members see whether it does.
fn demand_factor(caller: &Caller, workspace: Uuid, required: Option<bool>) -> Result<()> {
    if caller.mfa || required == Some(false) {
        return Ok(());
    }
    let denied = Denied { caller: *caller, workspace, missing: "a second factor".to_owned() };
    let detail = "This workspace wants a session with a second factor.";
    Err(Problem::new(&kinds::MFA_NEEDED).detail(detail).refused(denied))
}
