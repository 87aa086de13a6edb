//! `cargo xtask openapi`: the committed OpenAPI document, which clients and reviewers read.

use std::fs;
use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;

use crate::{process, project, say};

/// Renew docs/openapi.json from the core, or check that it is current.
#[derive(Args)]
pub struct Arguments {
    /// Change nothing; fail if the committed document is not what the core says.
    #[arg(long)]
    check: bool,
}

pub fn run(arguments: &Arguments) -> Result<()> {
    let stage = say::stage("Asking the core for its OpenAPI document");
    if arguments.check {
        check()?;
    } else {
        fs::write(path(), current()?)?;
        say::note("docs/openapi.json is written");
    }
    stage.done();
    Ok(())
}

/// Fails unless the committed document is what the core says.
pub fn check() -> Result<()> {
    let current = current()?;
    if fs::read_to_string(path()).unwrap_or_default() != current {
        bail!("docs/openapi.json is not what the core says. Run `cargo xtask openapi` and commit it");
    }
    say::note("docs/openapi.json is current");
    Ok(())
}

fn current() -> Result<String> {
    let document = process::output(std::process::Command::new(project::core()?).arg("openapi"))?;
    Ok(document.trim_end().to_owned() + "\n")
}

fn path() -> PathBuf {
    project::root().join("docs/openapi.json")
}
