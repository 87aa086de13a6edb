//! Where PostgreSQL's programs are on this machine.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::machine::{self, apt};
use crate::process;

/// The oldest version that Breakwater works with.
const OLDEST: u32 = 15;

/// The programs of one version of PostgreSQL.
#[derive(Clone)]
pub struct Programs {
    folder: PathBuf,
    /// The version's first number.
    pub major: u32,
}

impl Programs {
    /// Finds the newest that is new enough, or installs it. A cluster that exists needs its own version.
    pub fn find_or_install(cluster: Option<u32>) -> Result<Self> {
        if let Some(programs) = find(cluster) {
            return Ok(programs);
        }
        if let Some(major) = cluster {
            bail!(
                "the data was written by PostgreSQL {major}, whose programs are not on this machine. Install them, or \
                 start over with --fresh"
            );
        }
        apt::install(&format!("PostgreSQL {OLDEST} or newer"), &["postgresql"])?;
        find(None).with_context(|| format!("no PostgreSQL {OLDEST} or newer was found, even after installing it"))
    }

    /// One of the programs, without the settings that the environment has for others.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.path(program));
        clean(&mut command);
        command
    }

    /// Where a program is.
    pub fn path(&self, program: &str) -> PathBuf {
        self.folder.join(program)
    }
}

/// Takes away PGHOST, PGSERVICE and their like.
pub fn clean(command: &mut Command) {
    for (name, _) in env::vars_os() {
        if name.to_string_lossy().starts_with("PG") {
            command.env_remove(name);
        }
    }
}

fn find(major: Option<u32>) -> Option<Programs> {
    let versions = folders().into_iter().filter_map(|folder| Some(Programs { major: version(&folder)?, folder }));
    versions
        .filter(|programs| programs.major >= OLDEST && major.is_none_or(|major| programs.major == major))
        .max_by_key(|programs| programs.major)
}

/// The folders that have a server and what makes and asks one.
fn folders() -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = env::split_paths(&path).collect();
    // Debian and Ubuntu; Homebrew; Fedora.
    for versions in ["/usr/lib/postgresql", "/opt/homebrew/opt", "/usr/local/opt"] {
        let entries = fs::read_dir(versions).into_iter().flatten().flatten();
        folders.extend(entries.map(|entry| entry.path().join("bin")));
    }
    if machine::program("pg_config").is_some()
        && let Ok(folder) = process::output(Command::new("pg_config").arg("--bindir"))
    {
        folders.push(folder.trim().into());
    }
    folders.retain(|folder| ["postgres", "initdb", "pg_ctl", "psql"].iter().all(|name| folder.join(name).is_file()));
    folders
}

/// `postgres (PostgreSQL) 15.18 (Debian …)` → 15
fn version(folder: &Path) -> Option<u32> {
    let text = process::output(Command::new(folder.join("postgres")).arg("--version")).ok()?;
    let number = text.split_whitespace().find(|word| word.starts_with(|first: char| first.is_ascii_digit()))?;
    number.split(|letter: char| !letter.is_ascii_digit()).next()?.parse().ok()
}
