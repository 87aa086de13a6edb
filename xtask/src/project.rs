//! Where things are in this repository, and how its cargo is called.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::process;

/// The repository's top folder.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

/// The cargo that runs us, at the repository's top.
pub fn cargo() -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root());
    cargo
}

/// What `cargo metadata` says of this workspace.
#[derive(Deserialize)]
pub struct Metadata {
    pub packages: Vec<Package>,
    pub target_directory: PathBuf,
}

/// A crate of this workspace.
#[derive(Deserialize)]
pub struct Package {
    pub name: String,
    /// `[package.metadata]`
    #[serde(default)]
    pub metadata: serde_json::Value,
}

/// Asks cargo for the workspace's crates and folders.
pub fn metadata() -> Result<Metadata> {
    let text = process::output(cargo().args(["metadata", "--no-deps", "--format-version", "1"]))?;
    serde_json::from_str(&text).context("cannot read what `cargo metadata` says")
}

/// The core's program, newly built.
pub fn core() -> Result<PathBuf> {
    process::run(cargo().args(["build", "--package", "core-service", "--bin", "core-service"]))?;
    Ok(metadata()?.target_directory.join("debug/core-service"))
}

/// The compiler of the cargo that runs us.
pub fn rustc() -> Command {
    let mut rustc = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    rustc.current_dir(root());
    rustc
}
