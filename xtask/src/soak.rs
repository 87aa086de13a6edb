//! `cargo xtask soak`: faults under load, and what has to hold all the same.

use std::process::{Command, ExitCode};

use anyhow::Result;
use clap::Args;

use crate::postgres::Programs;
use crate::{components, machine, process, project, say};

/// Kill, freeze and deceive servers under load, and fail if an answer was wrong, lost or late.
///
/// Starts PostgreSQL, Redis, a core and an edge of its own, and lets users read and write through the front door while
/// Redis is killed, the core is killed, frozen and restarted, the edge is killed and restarted, and the snapshot and
/// gateway.toml are garbage. Prints what was answered, refused and lost during each, and how long it took until all was
/// well again. A short run of the same is among the tests.
#[derive(Args)]
pub struct Arguments {
    /// How long it goes on, about.
    #[arg(long, default_value_t = 180, value_parser = clap::value_parser!(u64).range(10..=86_400))]
    seconds: u64,
    /// Build with optimisation.
    #[arg(long)]
    release: bool,
}

pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    Programs::find_or_install(None)?;
    machine::program_or_install(&["redis-server"], "Redis", "redis-server")?;
    components::build_policies()?;
    let stage = say::stage("Building the core, the edge and their users");
    let mut cargo = project::cargo();
    cargo.args(["build", "--bins", "--package", "core-service", "--package", "edge-host"]);
    cargo.args(["--package", "breakwater-tests"]);
    if arguments.release {
        cargo.arg("--release");
    }
    process::run(&mut cargo)?;
    stage.done();
    let folder = project::metadata()?.target_directory.join(if arguments.release { "release" } else { "debug" });
    let stage = say::stage(&format!("Breaking things for {} s", arguments.seconds));
    let status = process::status(Command::new(folder.join("soak")).arg(arguments.seconds.to_string()))?;
    stage.done();
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
