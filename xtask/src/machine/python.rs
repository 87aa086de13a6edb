//! Python programs in an environment of their own under `target/`, which nothing else on the machine sees.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use super::apt;
use crate::process;

/// The folder with the programs of an environment in `folder` that has `packages`, as pip is told of them.
pub fn environment(folder: &Path, packages: &[&str]) -> Result<PathBuf> {
    let programs = folder.join("bin");
    // Written last: it says that everything before it is there.
    let (done, wanted) = (folder.join("installed"), packages.join(" "));
    if fs::read_to_string(&done).is_ok_and(|installed| installed == wanted) {
        return Ok(programs);
    }
    let python = super::program_or_install(&["python3"], "Python 3.10 or newer", "python3")?;
    let make = || process::output(Command::new(&python).args(["-m", "venv", "--clear"]).arg(folder));
    if make().is_err() {
        // Debian keeps what makes environments in a package of its own.
        apt::install("Python's environments", &["python3-venv"])?;
        make()?;
    }
    process::run(Command::new(programs.join("pip")).args(["install", "--quiet"]).args(packages))?;
    fs::write(done, wanted)?;
    Ok(programs)
}
