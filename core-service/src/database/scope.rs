//! On whose behalf a transaction runs. Row-level security reads it from the transaction's settings.

use std::fmt::Write;

use uuid::Uuid;

/// On whose behalf a transaction runs: see the functions `breakwater_user_id()` and so on in the migrations.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Scope {
    user: Option<Uuid>,
    workspace: Option<Uuid>,
    purpose: Option<Purpose>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Identity,
    Mail,
    Upkeep,
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

    /// The same within a workspace.
    #[must_use]
    pub fn in_workspace(mut self, workspace: Uuid) -> Self {
        self.workspace = Some(workspace);
        self
    }

    /// Identity's own work before anybody is signed in: finding a user by e-mail, a session by its token.
    pub(crate) fn identity() -> Self {
        Self { purpose: Some(Purpose::Identity), ..Self::default() }
    }

    /// The service's housekeeping.
    pub(crate) fn upkeep() -> Self {
        Self { purpose: Some(Purpose::Upkeep), ..Self::default() }
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
        match self.purpose {
            Some(Purpose::Identity) => sql.push_str("; SET LOCAL breakwater.purpose = 'identity'"),
            Some(Purpose::Upkeep) => sql.push_str("; SET LOCAL breakwater.purpose = 'upkeep'"),
            Some(Purpose::Mail) => sql.push_str("; SET LOCAL breakwater.purpose = 'mail'"),
            Some(Purpose::Worker) => sql.push_str("; SET LOCAL breakwater.purpose = 'worker'"),
            None => {}
        }
        sql
    }
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
        assert_eq!(
            Scope::identity().statement("BEGIN READ ONLY"),
            "BEGIN READ ONLY; SET LOCAL breakwater.purpose = 'identity'"
        );
    }
}
