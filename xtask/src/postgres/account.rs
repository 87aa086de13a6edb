//! Who runs PostgreSQL: ourselves, or, when we are root, the user `postgres`, because initdb and postgres refuse root.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use nix::unistd::{Gid, Uid, User, chown};

/// The user that a cluster belongs to.
#[derive(Clone, Copy)]
pub struct Account(Option<(Uid, Gid)>);

impl Account {
    /// The account for a cluster that we start.
    pub fn find() -> Result<Self> {
        if !Uid::effective().is_root() {
            return Ok(Self(None));
        }
        let user = User::from_name("postgres")?
            .context("PostgreSQL does not run as root, and there is no user `postgres` (its package makes one)")?;
        Ok(Self(Some((user.uid, user.gid))))
    }

    /// Lets the account run a command.
    pub fn run(self, command: &mut Command) {
        if let Some((user, group)) = self.0 {
            command.uid(user.as_raw()).gid(group.as_raw());
        }
        // Ours may be a folder that the account must not see.
        command.current_dir("/");
    }

    /// Gives a file or folder to the account.
    pub fn own(self, path: &Path) -> Result<()> {
        let Some((user, group)) = self.0 else { return Ok(()) };
        chown(path, Some(user), Some(group)).with_context(|| format!("cannot give {} to postgres", path.display()))
    }

    /// Whether the account gets to what is in a folder.
    pub fn reaches(self, folder: &Path) -> Result<bool> {
        let Some((user, group)) = self.0 else { return Ok(true) };
        for ancestor in folder.canonicalize()?.ancestors() {
            let metadata = fs::metadata(ancestor)?;
            let execute = match metadata {
                _ if metadata.uid() == user.as_raw() => 0o100,
                _ if metadata.gid() == group.as_raw() => 0o010,
                _ => 0o001,
            };
            if metadata.mode() & execute == 0 {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
