//! What can be allowed.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

macro_rules! permissions {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:tt, implies [$($implied:ident),*];)*) => {
        /// Something that a handler may ask for, named `resource:verb`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
        pub enum Permission {
            $($(#[doc = $doc])+ #[serde(rename = $name)] $variant,)*
        }

        impl Permission {
            /// Every permission.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// Its name, as problems tell it.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// What makes no sense without: whoever gets one gets these, too.
            fn implies(self) -> &'static [Self] {
                match self {
                    $(Self::$variant => &[$(Self::$implied),*],)*
                }
            }
        }
    };
}

permissions! {
    /// See the workspace.
    WorkspaceRead = "workspace:read", implies [];
    /// Rename the workspace.
    WorkspaceUpdate = "workspace:update", implies [];
    /// Delete the workspace and all that is in it.
    WorkspaceDelete = "workspace:delete", implies [];
    /// See who is a member, and with which role; teams and roles, too.
    MembersRead = "members:read", implies [];
    /// Add, invite and remove members and change their roles, owners excepted.
    MembersManage = "members:manage", implies [MembersRead];
    /// Make members owners, and change or remove owners.
    OwnersManage = "owners:manage", implies [MembersRead, MembersManage];
    /// Make, change and delete roles.
    RolesManage = "roles:manage", implies [MembersRead];
    /// Make, change and delete teams, and say who is in them.
    TeamsManage = "teams:manage", implies [MembersRead];
    /// Grant permissions on single things, and take grants back.
    GrantsManage = "grants:manage", implies [MembersRead];
    /// See collections and their schemas.
    CollectionsRead = "collections:read", implies [];
    /// Create, change and delete collections.
    CollectionsManage = "collections:manage", implies [CollectionsRead];
    /// Read documents.
    DocumentsRead = "documents:read", implies [CollectionsRead];
    /// Create, change and delete documents.
    DocumentsWrite = "documents:write", implies [CollectionsRead, DocumentsRead];
    /// Download files, and see folders.
    FilesRead = "files:read", implies [];
    /// Upload, change and delete files and folders.
    FilesWrite = "files:write", implies [FilesRead];
    /// Say how long files are kept, and hold them.
    FilesHold = "files:hold", implies [FilesRead];
    /// See what happened in the workspace.
    AuditRead = "audit:read", implies [];
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of permissions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Permissions(u32);

impl Permissions {
    /// The permissions of these names. A name that this version does not know allows nothing.
    pub fn named(names: &[String]) -> Self {
        Permission::ALL
            .iter()
            .filter(|permission| names.iter().any(|name| name == permission.name()))
            .copied()
            .collect()
    }

    /// Whether it is in the set.
    pub fn contains(self, permission: Permission) -> bool {
        self.0 & 1 << permission as u32 != 0
    }

    /// The first permission that `other` has and this set has not.
    pub fn lacks(self, other: Self) -> Option<Permission> {
        let all = Permission::ALL.iter().copied();
        all.into_iter().find(|permission| other.contains(*permission) && !self.contains(*permission))
    }

    /// The same with all that follows from it.
    #[must_use]
    pub fn with_implied(self) -> Self {
        let implied = Permission::ALL.iter().filter(|permission| self.contains(**permission));
        let implied: Self = implied.flat_map(|permission| permission.implies()).copied().collect();
        Self(self.0 | implied.0)
    }

    /// What both have.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// What either has.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Their names, in the order of [`Permission::ALL`].
    pub fn names(self) -> Vec<String> {
        let all = Permission::ALL.iter();
        all.filter(|permission| self.contains(**permission)).map(|permission| permission.name().to_owned()).collect()
    }
}

impl FromIterator<Permission> for Permissions {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        Self(permissions.into_iter().fold(0, |bits, permission| bits | 1 << permission as u32))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_know_what_is_in_them() {
        let some: Permissions = [Permission::DocumentsRead, Permission::AuditRead].into_iter().collect();
        assert_eq!(some.names(), ["documents:read", "audit:read"]);
        assert_eq!(Permissions::named(&some.names()), some);
        assert_eq!(Permissions::named(&["documents:fly".to_owned()]), Permissions::default());
        let more: Permissions = [Permission::AuditRead, Permission::WorkspaceRead].into_iter().collect();
        assert_eq!(some.lacks(more), Some(Permission::WorkspaceRead));
        assert_eq!(some.lacks(some.and(more)), None);
    }

    #[test]
    fn what_follows_has_nothing_more_to_follow() {
        for permission in Permission::ALL {
            let all = Permissions::from_iter([*permission]).with_implied();
            assert_eq!(all.with_implied(), all, "{permission}");
        }
    }
}
