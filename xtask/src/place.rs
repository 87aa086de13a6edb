//! The folder that a running Breakwater keeps everything in: data, secrets, logs.
//!
//! One run at a time holds its lock. Nothing is deleted in it but what we made.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::postgres::{self, Account};
use crate::{machine, say};

/// Says whose folder this is, to people and to us.
const MARKER: &str = "README.txt";
const MARKER_TEXT: &str = "Made by `cargo xtask up`: Breakwater's data (postgres), secrets, logs and demo login.\n\
    `cargo xtask up --fresh` deletes them. Nothing here belongs into a repository.\n";
/// Where a cluster goes when its user cannot reach the folder.
const ELSEWHERE: &str = "/var/lib/breakwater";

/// A folder that is ours while this lives.
pub struct Place {
    folder: PathBuf,
    lock: File,
}

impl Place {
    /// Makes or opens the folder, and takes its lock.
    pub fn open(folder: &Path) -> Result<Self> {
        let folder = std::path::absolute(folder)?;
        if folder.exists() && !folder.join(MARKER).exists() && fs::read_dir(&folder)?.next().is_some() {
            bail!("{} holds files that are not Breakwater's: choose another folder with --data", folder.display());
        }
        DirBuilder::new().recursive(true).mode(0o755).create(&folder).with_context(|| folder.display().to_string())?;
        if !folder.join(MARKER).exists() {
            fs::write(folder.join(MARKER), MARKER_TEXT)?;
        }
        let mut lock = File::options().read(true).write(true).create(true).truncate(false).open(folder.join("lock"))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { folder, lock }),
            Err(TryLockError::WouldBlock) => {
                let mut owner = String::new();
                lock.read_to_string(&mut owner)?;
                bail!("Breakwater is already running on {}: {}", folder.display(), owner.trim());
            }
            Err(TryLockError::Error(error)) => Err(error).context("cannot lock the data folder"),
        }
    }

    /// Tells a second run who we are.
    pub fn announce(&mut self, text: &str) -> Result<()> {
        self.lock.set_len(0)?;
        self.lock.rewind()?;
        writeln!(self.lock, "process {}, {text}", std::process::id())?;
        Ok(())
    }

    /// Deletes everything that an earlier run made here.
    pub fn clear(&self) -> Result<()> {
        let cluster = self.path("postgres");
        postgres::stop_orphan(&cluster.join("data"))?;
        match fs::read_link(&cluster) {
            Ok(elsewhere) => {
                if elsewhere.parent() == Some(Path::new(ELSEWHERE)) && elsewhere.exists() {
                    fs::remove_dir_all(&elsewhere)?;
                }
                fs::remove_file(&cluster)?;
            }
            Err(_) => remove_folder(&cluster)?,
        }
        for folder in ["secrets", "logs", "cache", "mail"] {
            remove_folder(&self.path(folder))?;
        }
        Ok(())
    }

    /// A path in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Where a server of this name writes.
    pub fn log(&self, name: &str) -> Result<PathBuf> {
        let logs = self.path("logs");
        fs::create_dir_all(&logs)?;
        Ok(logs.join(format!("{name}.log")))
    }

    /// The folder for the PostgreSQL cluster: here, unless the user that runs it cannot get here.
    pub fn cluster(&self) -> Result<PathBuf> {
        let here = self.path("postgres");
        if let Ok(elsewhere) = fs::read_link(&here) {
            return Ok(elsewhere);
        }
        if Account::find()?.reaches(&self.folder)? {
            return Ok(here);
        }
        if here.exists() {
            bail!(
                "PostgreSQL runs as the user `postgres`, who cannot get to {}: let others pass through the folders \
                 above it (chmod o+x), or choose another folder with --data",
                here.display()
            );
        }
        DirBuilder::new().recursive(true).mode(0o755).create(ELSEWHERE)?;
        let elsewhere = Path::new(ELSEWHERE).join(machine::random(9)?);
        symlink(&elsewhere, &here)?;
        say::note(&format!(
            "the user `postgres` cannot get to {}, so the database is in {}",
            self.folder.display(),
            elsewhere.display()
        ));
        Ok(elsewhere)
    }

    /// A secret of this folder, made when it is asked for the first time.
    pub fn secret(&self, name: &str, make: impl FnOnce() -> Result<String>) -> Result<Secret> {
        let folder = self.path("secrets");
        DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        let path = folder.join(name);
        if !path.exists() {
            // Renamed into place: half a secret is never read.
            let half = folder.join(format!("{name}.new"));
            let _ = fs::remove_file(&half);
            machine::write_secret(&half, &make()?)?;
            fs::rename(&half, &path)?;
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
        let value = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        Ok(Secret { path, value: value.trim().to_owned() })
    }
}

/// A secret and the file that holds it.
pub struct Secret {
    pub path: PathBuf,
    pub value: String,
}

fn remove_folder(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("cannot delete {}", folder.display()))?;
    }
    Ok(())
}
