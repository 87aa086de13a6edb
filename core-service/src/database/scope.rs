//! On whose behalf a transaction runs. Row-level security reads it from the transaction's settings.

use std::fmt::Write;

use sqlx::PgConnection;
use uuid::Uuid;

use crate::access::Permissions;
use crate::hex::hex;

/// On whose behalf a transaction runs: see the functions `breakwater_user_id()` and so on in the migrations.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Scope {
    user: Option<Uuid>,
    workspace: Option<Uuid>,
    purpose: Option<Purpose>,
    link: Option<[u8; 32]>,
    invitation: Option<[u8; 32]>,
    impersonator: Option<Uuid>,
    narrowed: Option<Permissions>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Audit,
    Files,
    Identity,
    Mail,
    Public,
    Upkeep,
    Vault,
    Worker,
}

impl Scope {
    /// Nobody: sees only what everyone may.
    pub fn nobody() -> Self {
        Self::default()
    }

    /// A user.
    pub fn user(user: Uuid) -> Self {
        Self { user: Some(user), ..Self::default() }
    }

    /// Whoever has a link, by its hash.
    pub(crate) fn link(hash: [u8; 32]) -> Self {
        Self { link: Some(hash), ..Self::default() }
    }

    /// The same with the code of an invitation, by its hash.
    #[must_use]
    pub(crate) fn invited(mut self, hash: [u8; 32]) -> Self {
        self.invitation = Some(hash);
        self
    }

    /// The same in the hands of somebody else, who may less.
    #[must_use]
    pub(crate) fn impersonated_by(mut self, who: Uuid) -> Self {
        self.impersonator = Some(who);
        self
    }

    /// The same within a workspace.
    #[must_use]
    pub fn in_workspace(mut self, workspace: Uuid) -> Self {
        self.workspace = Some(workspace);
        self
    }

    /// The same for a credential that allows no more than these permissions.
    #[must_use]
    pub(crate) fn narrowed_to(mut self, permissions: Permissions) -> Self {
        self.narrowed = Some(permissions);
        self
    }

    /// The audit trail's own work: keeping denials, looking whether all is as it was written.
    pub(crate) fn audit() -> Self {
        Self { purpose: Some(Purpose::Audit), ..Self::default() }
    }

    /// Files' own work: links, and what nobody needs any more.
    pub(crate) fn files() -> Self {
        Self { purpose: Some(Purpose::Files), ..Self::default() }
    }

    /// Identity's own work before anybody is signed in: finding a user by e-mail, a session by its token.
    pub(crate) fn identity() -> Self {
        Self { purpose: Some(Purpose::Identity), ..Self::default() }
    }

    /// The same on behalf of a user, whose memberships it sees as well.
    pub(crate) fn identity_of(user: Uuid) -> Self {
        Self { user: Some(user), ..Self::identity() }
    }

    /// Whoever it may be: sees what a workspace has made public.
    pub fn public(workspace: Uuid) -> Self {
        Self { purpose: Some(Purpose::Public), workspace: Some(workspace), ..Self::default() }
    }

    /// The service's housekeeping.
    pub(crate) fn upkeep() -> Self {
        Self { purpose: Some(Purpose::Upkeep), ..Self::default() }
    }

    /// The vault's own work: data keys, and what they encrypted.
    pub(crate) fn vault() -> Self {
        Self { purpose: Some(Purpose::Vault), ..Self::default() }
    }

    /// Mail's own work: which addresses get none.
    pub(crate) fn mail() -> Self {
        Self { purpose: Some(Purpose::Mail), ..Self::default() }
    }

    /// The outbox's workers, which see every job.
    pub(crate) fn worker() -> Self {
        Self { purpose: Some(Purpose::Worker), ..Self::default() }
    }

    /// The user, if it is one.
    pub fn user_id(&self) -> Option<Uuid> {
        self.user
    }

    /// What the credential allows, if not everything that the user may do.
    pub fn narrowed(&self) -> Option<Permissions> {
        self.narrowed
    }

    /// `begin` and the settings, as one simple query.
    pub(super) fn statement(&self, begin: &str) -> String {
        let mut sql = begin.to_owned();
        let mut set = |name: &str, value: Option<Uuid>| {
            if let Some(value) = value {
                // Writing to a string cannot fail.
                let _ = write!(sql, "; SET LOCAL breakwater.{name} = '{}'", value.as_hyphenated());
            }
        };
        set("user_id", self.user);
        set("workspace_id", self.workspace);
        set("impersonator", self.impersonator);
        if let Some(permissions) = self.narrowed {
            // The first word keeps an empty set from looking like none at all.
            let _ = write!(sql, "; SET LOCAL breakwater.permissions = 'only");
            for name in permissions.names() {
                let _ = write!(sql, ",{name}");
            }
            sql.push('\'');
        }
        for (name, hash) in [("link", self.link), ("invitation", self.invitation)] {
            if let Some(hash) = hash {
                let _ = write!(sql, "; SET LOCAL breakwater.{name} = '{}'", hex(&hash));
            }
        }
        match self.purpose {
            Some(Purpose::Files) => sql.push_str("; SET LOCAL breakwater.purpose = 'files'"),
            Some(Purpose::Audit) => sql.push_str("; SET LOCAL breakwater.purpose = 'audit'"),
            Some(Purpose::Identity) => sql.push_str("; SET LOCAL breakwater.purpose = 'identity'"),
            Some(Purpose::Upkeep) => sql.push_str("; SET LOCAL breakwater.purpose = 'upkeep'"),
            Some(Purpose::Public) => sql.push_str("; SET LOCAL breakwater.purpose = 'public'"),
            Some(Purpose::Mail) => sql.push_str("; SET LOCAL breakwater.purpose = 'mail'"),
            Some(Purpose::Vault) => sql.push_str("; SET LOCAL breakwater.purpose = 'vault'"),
            Some(Purpose::Worker) => sql.push_str("; SET LOCAL breakwater.purpose = 'worker'"),
            None => {}
        }
        sql
    }
}

/// Goes on in a workspace, within a transaction of a user.
pub(crate) async fn enter(connection: &mut PgConnection, workspace: Uuid) -> Result<(), sqlx::Error> {
    let workspace = workspace.as_hyphenated().to_string();
    sqlx::query!("SELECT set_config('breakwater.workspace_id', $1, true)", workspace)
        .fetch_one(connection)
        .await
        .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_statement_sets_what_the_scope_says() {
        assert_eq!(Scope::nobody().statement("BEGIN"), "BEGIN");
        let id = Uuid::from_u128(7);
        assert_eq!(
            Scope::user(id).in_workspace(id).statement("BEGIN"),
            format!("BEGIN; SET LOCAL breakwater.user_id = '{id}'; SET LOCAL breakwater.workspace_id = '{id}'")
        );
        let narrowed = Scope::user(id).narrowed_to(Permissions::default()).statement("BEGIN");
        assert!(narrowed.ends_with("; SET LOCAL breakwater.permissions = 'only'"), "{narrowed}");
        let one = Permissions::from_iter([crate::access::Permission::DocumentsRead]);
        let narrowed = Scope::user(id).narrowed_to(one).statement("BEGIN");
        assert!(narrowed.ends_with("= 'only,documents:read'"), "{narrowed}");
        assert_eq!(
            Scope::identity().statement("BEGIN READ ONLY"),
            "BEGIN READ ONLY; SET LOCAL breakwater.purpose = 'identity'"
        );
    }
}
