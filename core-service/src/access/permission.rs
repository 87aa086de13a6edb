//! What can be allowed.

use std::fmt;

/// Something that a handler may ask for, named `resource:verb`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Permission {
    /// See the workspace.
    WorkspaceRead,
    /// Rename the workspace.
    WorkspaceUpdate,
    /// Delete the workspace and all that is in it.
    WorkspaceDelete,
    /// See who is a member, and with which role.
    MembersRead,
    /// Add and remove members and change their roles, owners excepted.
    MembersManage,
    /// Make members owners, and change or remove owners.
    OwnersManage,
    /// See collections and their schemas.
    CollectionsRead,
    /// Create, change and delete collections.
    CollectionsManage,
    /// Read documents.
    DocumentsRead,
    /// Create, change and delete documents.
    DocumentsWrite,
}

impl Permission {
    /// Every permission.
    pub const ALL: [Self; 10] = [
        Self::WorkspaceRead,
        Self::WorkspaceUpdate,
        Self::WorkspaceDelete,
        Self::MembersRead,
        Self::MembersManage,
        Self::OwnersManage,
        Self::CollectionsRead,
        Self::CollectionsManage,
        Self::DocumentsRead,
        Self::DocumentsWrite,
    ];

    /// Its name, as problems tell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::WorkspaceRead => "workspace:read",
            Self::WorkspaceUpdate => "workspace:update",
            Self::WorkspaceDelete => "workspace:delete",
            Self::MembersRead => "members:read",
            Self::MembersManage => "members:manage",
            Self::OwnersManage => "owners:manage",
            Self::CollectionsRead => "collections:read",
            Self::CollectionsManage => "collections:manage",
            Self::DocumentsRead => "documents:read",
            Self::DocumentsWrite => "documents:write",
        }
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
