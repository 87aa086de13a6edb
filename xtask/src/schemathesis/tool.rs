//! schemathesis itself, in a Python environment of its own under `target/`.

use std::path::PathBuf;

use anyhow::Result;

use crate::machine::python;
use crate::project;

/// A run can be repeated only with the same version.
const VERSION: &str = "4.32.5";

/// The program, installed from PyPI if it is not there yet.
pub fn find_or_install() -> Result<PathBuf> {
    let folder = project::metadata()?.target_directory.join("schemathesis").join(VERSION);
    Ok(python::environment(&folder, &[&format!("schemathesis=={VERSION}")])?.join("st"))
}
