//! `cargo xtask build components`: the WebAssembly components under `components/`.
//!
//! A crate says what it becomes in its own Cargo.toml:
//!
//! ```toml
//! [package.metadata.breakwater]
//! world = "router"        # of wit/
//! kind = "policy"         # or "wasi"
//! test-fixture = true     # optional: goes to target/components/test/
//! ```
//!
//! A policy is built without WASI and wrapped here (see [`wrap`]); a WASI component is finished by its linker.

mod toolchain;
mod wrap;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use serde::Deserialize;

use crate::{process, project, say};
use toolchain::Toolchain;

/// Build the WebAssembly components into target/components.
///
/// Nothing is written when nothing changed. The way to build is chosen by itself: the WASM targets of the
/// Rust toolchain if they are there, else Debian's own Rust if that is there; else the targets are added
/// with rustup, or Debian's Rust is installed (as root), or you are told what to install.
#[derive(Args)]
pub struct Arguments {
    /// Only these (`router`, `gateway`, …); all of them without a name.
    names: Vec<String>,
    /// The Rust that builds them.
    #[arg(long, value_enum, default_value_t = Choice::Auto)]
    toolchain: Choice,
}

/// Which Rust builds components.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Choice {
    /// What is there or can be had, in that order.
    Auto,
    /// The toolchain that runs cargo, with its WASM targets.
    Rustup,
    /// The packages rustc-web, cargo-web, rust-web-src and wasi-libc.
    Debian,
}

/// The two kinds of components.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    Policy,
    Wasi,
}

impl Kind {
    fn target(self) -> &'static str {
        match self {
            Self::Policy => "wasm32-unknown-unknown",
            Self::Wasi => "wasm32-wasip2",
        }
    }
}

/// `[package.metadata.breakwater]`
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Wanted {
    world: String,
    kind: Kind,
    #[serde(default)]
    test_fixture: bool,
}

/// A crate that becomes a component.
struct Component {
    package: String,
    name: String,
    wanted: Wanted,
}

pub fn run(arguments: &Arguments) -> Result<()> {
    let metadata = project::metadata()?;
    let chosen = choose(components(&metadata)?, &arguments.names)?;
    build(&metadata, &chosen, arguments.toolchain)
}

/// Builds every component.
pub fn build_all() -> Result<()> {
    let metadata = project::metadata()?;
    build(&metadata, &components(&metadata)?, Choice::Auto)
}

/// Builds what edge-host loads: the policies.
pub fn build_policies() -> Result<()> {
    let metadata = project::metadata()?;
    let mut components = components(&metadata)?;
    components.retain(|component| component.wanted.kind == Kind::Policy && !component.wanted.test_fixture);
    build(&metadata, &components, Choice::Auto)
}

/// The folder that finished components are in.
pub fn folder(metadata: &project::Metadata) -> PathBuf {
    metadata.target_directory.join("components")
}

fn build(metadata: &project::Metadata, components: &[Component], choice: Choice) -> Result<()> {
    let stage = say::stage("Building the WebAssembly components");
    let toolchain = Toolchain::find(choice)?;
    let built = metadata.target_directory.join("wasm");
    for kind in [Kind::Policy, Kind::Wasi] {
        let packages: Vec<_> = components.iter().filter(|component| component.wanted.kind == kind).collect();
        if !packages.is_empty() {
            let mut cargo = toolchain.cargo(kind.target());
            cargo.arg("--target-dir").arg(&built);
            for component in packages {
                cargo.args(["--package", &component.package]);
            }
            process::run(&mut cargo)?;
        }
    }
    finish(components, &built, &folder(metadata))?;
    stage.done();
    Ok(())
}

fn components(metadata: &project::Metadata) -> Result<Vec<Component>> {
    let mut components = Vec::new();
    for package in &metadata.packages {
        if let Some(wanted) = package.metadata.get("breakwater") {
            let wanted = serde_json::from_value(wanted.clone())
                .with_context(|| format!("{}: [package.metadata.breakwater]", package.name))?;
            let name = package.name.strip_prefix("breakwater-").unwrap_or(&package.name).to_owned();
            components.push(Component { package: package.name.clone(), name, wanted });
        }
    }
    Ok(components)
}

fn choose(mut components: Vec<Component>, names: &[String]) -> Result<Vec<Component>> {
    for name in names {
        if !components.iter().any(|component| component.name == *name) {
            let known: Vec<_> = components.iter().map(|component| component.name.as_str()).collect();
            bail!("no component is called {name:?}; there are: {}", known.join(", "));
        }
    }
    if !names.is_empty() {
        components.retain(|component| names.contains(&component.name));
    }
    Ok(components)
}

/// Wraps or copies what cargo built, and tells every component that cannot be finished before it fails.
fn finish(components: &[Component], built: &Path, folder: &Path) -> Result<()> {
    let worlds = wrap::Worlds::read(&project::root().join("wit"))?;
    let mut broken = 0;
    for component in components {
        let module = built
            .join(component.wanted.kind.target())
            .join("component")
            .join(format!("{}.wasm", component.package.replace('-', "_")));
        let place = if component.wanted.test_fixture { folder.join("test") } else { folder.to_owned() };
        let result = fs::read(&module)
            .with_context(|| format!("cannot read {}", module.display()))
            .and_then(|bytes| match component.wanted.kind {
                Kind::Policy => worlds.wrap_policy(&bytes, &component.wanted.world),
                Kind::Wasi => Ok(bytes),
            })
            .and_then(|bytes| write_if_changed(&place.join(format!("{}.wasm", component.name)), &bytes));
        if let Err(error) = result {
            say::failure(&error.context(format!("component {}", component.name)));
            broken += 1;
        }
    }
    if broken > 0 {
        bail!("{broken} of {} components could not be finished", components.len());
    }
    Ok(())
}

fn write_if_changed(path: &Path, bytes: &[u8]) -> Result<()> {
    if fs::read(path).is_ok_and(|present| present == bytes) {
        return Ok(());
    }
    let folder = path.parent().context("a component needs a folder")?;
    fs::create_dir_all(folder)?;
    // Renamed into place, so that a host that watches the file never reads half of it.
    let half = path.with_extension("wasm.new");
    fs::write(&half, bytes)?;
    fs::rename(&half, path)?;
    say::note(&format!("{} ({:.1} kB)", path.display(), bytes.len() as f64 / 1000.0));
    Ok(())
}
