//! schemathesis itself, in a Python environment of its own under `target/`.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::machine::{self, apt};
use crate::{process, project};

/// A run can be repeated only with the same version.
const VERSION: &str = "4.32.5";

/// The program, installed from PyPI if it is not there yet.
pub fn find_or_install() -> Result<PathBuf> {
    let folder = project::metadata()?.target_directory.join("schemathesis").join(VERSION);
    let program = folder.join("bin/st");
    if Command::new(&program).arg("--version").output().is_ok_and(|output| output.status.success()) {
        return Ok(program);
    }
    let python = machine::program_or_install(&["python3"], "Python 3.10 or newer", "python3")?;
    let make = || process::output(Command::new(&python).args(["-m", "venv", "--clear"]).arg(&folder));
    if make().is_err() {
        // Debian keeps what makes environments in a package of its own.
        apt::install("Python's environments", &["python3-venv"])?;
        make()?;
    }
    let package = format!("schemathesis=={VERSION}");
    process::run(Command::new(folder.join("bin/pip")).args(["install", "--quiet", &package]))?;
    Ok(program)
}
