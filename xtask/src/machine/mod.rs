//! What this machine has, and how what is missing comes onto it.

pub mod apt;
pub mod python;

use std::env;
use std::fs::{self, File};
use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tempfile::TempDir;

/// Finds a program on the PATH.
pub fn program(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    // Debian keeps servers where only root's PATH looks.
    let folders = env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
    folders.map(|folder| folder.join(name)).find(|file| {
        file.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
    })
}

/// A port on the loopback interface that nobody listens on now.
pub fn free_port() -> Result<u16> {
    let [port] = free_ports()?;
    Ok(port)
}

/// Several such ports, no two the same.
pub fn free_ports<const N: usize>() -> Result<[u16; N]> {
    let listeners: Vec<_> = (0..N).map(|_| TcpListener::bind("127.0.0.1:0")).collect::<Result<_, _>>()?;
    let mut ports = [0; N];
    for (port, listener) in ports.iter_mut().zip(&listeners) {
        *port = listener.local_addr().context("no port is free on the loopback interface")?.port();
    }
    Ok(ports)
}

/// An address on the loopback interface that nobody listens on now.
pub fn free_address() -> Result<SocketAddr> {
    Ok(SocketAddr::from(([127, 0, 0, 1], free_port()?)))
}

/// Random bytes as base64url without padding.
pub fn random(bytes: usize) -> Result<String> {
    let mut buffer = vec![0; bytes];
    getrandom::fill(&mut buffer).context("the system has no random bytes")?;
    Ok(URL_SAFE_NO_PAD.encode(buffer))
}

/// Writes a new file that its owner alone may read.
pub fn write_secret(path: &Path, text: &str) -> Result<()> {
    let mut file = File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("cannot write {}", path.display()))?;
    file.write_all(text.as_bytes())?;
    Ok(())
}

/// Finds a program, or installs the package that brings it.
pub fn program_or_install(names: &[&str], purpose: &str, package: &str) -> Result<PathBuf> {
    let find = || names.iter().find_map(|name| program(name));
    if let Some(found) = find() {
        return Ok(found);
    }
    apt::install(purpose, &[package])?;
    find().with_context(|| format!("{} is not there, even after installing {package}", names.join(" or ")))
}

/// A temporary folder that the user who runs PostgreSQL can pass through; what is inside is its owner's own.
pub fn shared_folder() -> Result<TempDir> {
    let folder = tempfile::Builder::new().prefix("breakwater-").tempdir()?;
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o711))?;
    Ok(folder)
}
