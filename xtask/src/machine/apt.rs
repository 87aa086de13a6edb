//! Installs packages of Debian and Ubuntu, when we may.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};
use nix::unistd::Uid;

use super::program;
use crate::{process, say};

/// Whether we are root on a machine with apt.
pub fn can_install() -> bool {
    Uid::effective().is_root() && program("apt-get").is_some()
}

/// Installs packages, or says what to install for `purpose`.
pub fn install(purpose: &str, packages: &[&str]) -> Result<()> {
    if !can_install() {
        bail!(
            "{purpose} is missing. Install it, on Debian and Ubuntu with\n  sudo apt-get install {}",
            packages.join(" ")
        );
    }
    say::note(&format!("installing {} with apt-get, for {purpose}", packages.join(", ")));
    let _quiet = NoServices::begin()?;
    if process::run(apt().arg("install").args(packages)).is_err() {
        crate::interrupt::check()?;
        // The lists of packages may be old, or not there yet.
        process::run(apt().arg("update"))?;
        process::run(apt().arg("install").args(packages))?;
    }
    Ok(())
}

fn apt() -> Command {
    let mut apt = Command::new("apt-get");
    apt.args(["--yes", "--quiet", "--no-install-recommends"]).env("DEBIAN_FRONTEND", "noninteractive");
    apt
}

/// Keeps packages from starting their own servers: we want their programs, and start private ones.
/// (Debian's invoke-rc.d asks this file; 101 is "forbidden".)
struct NoServices {
    ours: bool,
}

impl NoServices {
    const FILE: &str = "/usr/sbin/policy-rc.d";

    fn begin() -> Result<Self> {
        let ours = !Path::new(Self::FILE).exists();
        if ours {
            let mut file = File::create_new(Self::FILE)?;
            file.write_all(b"#!/bin/sh\nexit 101\n")?;
            file.set_permissions(fs::Permissions::from_mode(0o755))?;
        }
        Ok(Self { ours })
    }
}

impl Drop for NoServices {
    fn drop(&mut self) {
        if self.ours {
            let _ = fs::remove_file(Self::FILE);
        }
    }
}
