//! Which Rust builds components, and how it is had.
//!
//! Rustup's toolchain needs its WASM targets, which come from rustup's own server. A machine that reaches
//! only package registries builds with Debian's Rust instead, which brings the standard library's source.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use super::{Choice, Kind};
use crate::machine::{self, apt};
use crate::{process, project, say};

const DEBIAN_PACKAGES: [&str; 4] = ["rustc-web", "cargo-web", "rust-web-src", "wasi-libc"];
const DEBIAN_FILES: [&str; 4] =
    ["/usr/bin/rustc", "/usr/bin/cargo", "/usr/lib/rustlib/src/rust/library/std/Cargo.toml", WASI_LIBC];
const WASI_LIBC: &str = "/usr/lib/wasm32-wasi";

/// A Rust that can build for the targets of components.
pub enum Toolchain {
    /// The toolchain that runs cargo has the targets.
    Targets,
    /// Debian's Rust builds the standard library too. The linkers are those of the toolchain in the folder.
    Debian { linkers: PathBuf },
}

impl Toolchain {
    /// Finds one that is there, or brings one in.
    pub fn find(choice: Choice) -> Result<Self> {
        let sysroot = PathBuf::from(process::output(project::rustc().args(["--print", "sysroot"]))?.trim());
        let rustup = choice != Choice::Debian;
        let debian = choice != Choice::Rustup;
        if rustup && has_targets(&sysroot) {
            return Ok(Self::Targets);
        }
        if debian && has_debian() {
            return Self::debian(&sysroot);
        }
        if rustup && add_targets() && has_targets(&sysroot) {
            return Ok(Self::Targets);
        }
        if debian && apt::can_install() {
            apt::install("a Rust that builds WebAssembly", &DEBIAN_PACKAGES)?;
            if has_debian() {
                return Self::debian(&sysroot);
            }
        }
        bail!(
            "this machine's Rust cannot build WebAssembly. Either of these helps:\n  rustup target add {} {}\n  \
             apt-get install {}   (Debian 12 or newer, as root)",
            Kind::Policy.target(),
            Kind::Wasi.target(),
            DEBIAN_PACKAGES.join(" ")
        );
    }

    fn debian(sysroot: &Path) -> Result<Self> {
        let host = process::output(project::rustc().args(["--print", "host-tuple"]))?;
        let linkers = sysroot.join("lib/rustlib").join(host.trim()).join("bin");
        for linker in ["wasm-component-ld", "gcc-ld/wasm-ld"] {
            if !linkers.join(linker).exists() {
                bail!(
                    "{} is missing: Debian's Rust needs the linkers of a Rust that rustup installed",
                    linkers.join(linker).display()
                );
            }
        }
        say::note("with Debian's Rust, and the standard library from source");
        Ok(Self::Debian { linkers })
    }

    /// `cargo build` for a target, as components are built.
    pub fn cargo(&self, target: &str) -> Command {
        let mut flags = remapped_paths();
        let mut cargo = match self {
            Self::Targets => project::cargo(),
            Self::Debian { linkers } => {
                let mut cargo = debian_cargo(linkers);
                if target == Kind::Wasi.target() {
                    flags.push(format!("-L{WASI_LIBC}"));
                }
                cargo.current_dir(project::root());
                cargo
            }
        };
        cargo.args(["build", "--profile", "component", "--target", target]);
        if let Self::Debian { .. } = self {
            cargo.args(["-Z", "build-std=std,panic_abort"]);
        }
        cargo.env_remove("RUSTFLAGS").env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}"));
        cargo
    }
}

/// Debian's cargo and rustc, with another toolchain's linkers for WebAssembly.
fn debian_cargo(linkers: &Path) -> Command {
    let mut cargo = Command::new("/usr/bin/cargo");
    let mut path = OsString::from(linkers);
    path.push(":");
    path.push(linkers.join("gcc-ld"));
    path.push(":");
    path.push(env::var_os("PATH").unwrap_or_default());
    cargo.env("PATH", path).env("RUSTC", "/usr/bin/rustc");
    // `-Z build-std` on a stable compiler.
    cargo.env("RUSTC_BOOTSTRAP", "1");
    // The libraries and the compiler wrappers of the toolchain that runs us are not Debian's.
    for name in ["LD_LIBRARY_PATH", "RUSTUP_TOOLCHAIN", "RUSTDOC", "CARGO"] {
        cargo.env_remove(name);
    }
    cargo
}

/// Components carry no paths of the machine that built them (panics name files).
fn remapped_paths() -> Vec<String> {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| env::home_dir().map(|home| home.join(".cargo")));
    let mut flags = vec![format!("--remap-path-prefix={}=breakwater", project::root().display())];
    if let Some(home) = home {
        flags.push(format!("--remap-path-prefix={}=cargo", home.display()));
    }
    flags
}

fn has_targets(sysroot: &Path) -> bool {
    [Kind::Policy, Kind::Wasi].iter().all(|kind| sysroot.join("lib/rustlib").join(kind.target()).join("lib").is_dir())
}

fn has_debian() -> bool {
    DEBIAN_FILES.iter().all(|file| Path::new(file).exists())
}

/// Asks rustup for the targets. It may be missing, or cut off from its server: then there is another way.
fn add_targets() -> bool {
    if machine::program("rustup").is_none() {
        return false;
    }
    say::note("adding the WebAssembly targets with rustup");
    let mut rustup = Command::new("rustup");
    rustup.args(["target", "add", Kind::Policy.target(), Kind::Wasi.target()]).current_dir(project::root());
    process::status(rustup.env("RUSTUP_MAX_RETRIES", "1")).is_ok_and(|status| status.success())
}
