//! What members are, and what that allows them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Permission;
use crate::problem::{Problem, Result};

/// A member's role in a workspace, from the least to the most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub enum Role {
    /// Reads everything.
    Viewer,
    /// Also writes documents.
    Editor,
    /// Also manages collections and members.
    Admin,
    /// May do everything.
    Owner,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Editor, Self::Admin, Self::Owner];

    /// The table of roles and permissions: a role may do what it is named for here, and all that lesser roles may.
    pub fn allows(self, permission: Permission) -> bool {
        let least = match permission {
            Permission::WorkspaceRead
            | Permission::MembersRead
            | Permission::CollectionsRead
            | Permission::DocumentsRead => Self::Viewer,
            Permission::DocumentsWrite => Self::Editor,
            Permission::WorkspaceUpdate | Permission::MembersManage | Permission::CollectionsManage => Self::Admin,
            Permission::WorkspaceDelete | Permission::OwnersManage => Self::Owner,
        };
        self >= least
    }

    /// 403, naming the permission, unless this role allows it.
    pub fn require(self, permission: Permission) -> Result<()> {
        if self.allows(permission) {
            return Ok(());
        }
        Err(Problem::forbidden().detail(format!("This needs the permission {permission}.")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same table as people think of it. Change both, on purpose.
    #[test]
    fn roles_allow_what_they_should() {
        let table = [
            (Role::Viewer, "workspace:read members:read collections:read documents:read"),
            (Role::Editor, "workspace:read members:read collections:read documents:read documents:write"),
            (
                Role::Admin,
                "workspace:read workspace:update members:read members:manage collections:read collections:manage \
                 documents:read documents:write",
            ),
            (
                Role::Owner,
                "workspace:read workspace:update workspace:delete members:read members:manage owners:manage \
                 collections:read collections:manage documents:read documents:write",
            ),
        ];
        for (role, expected) in table {
            let allowed: Vec<_> =
                Permission::ALL.into_iter().filter(|p| role.allows(*p)).map(Permission::name).collect();
            assert_eq!(allowed.join(" "), expected, "{role:?}");
        }
    }

    #[test]
    fn a_refusal_names_the_permission() {
        let problem = format!("{:?}", Role::Viewer.require(Permission::DocumentsWrite));
        assert!(problem.contains("documents:write"), "{problem}");
    }
}
