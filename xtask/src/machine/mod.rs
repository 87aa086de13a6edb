//! What this machine has, and how what is missing comes onto it.

pub mod apt;

use std::env;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

/// Finds a program on the PATH.
pub fn program(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    // Debian keeps servers where only root's PATH looks.
    let folders = env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
    folders.map(|folder| folder.join(name)).find(|file| {
        file.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
    })
}
