//! `cargo xtask schemathesis`: the whole API, driven from its OpenAPI document by somebody who means it no good.
//!
//! schemathesis makes requests that fit the document and requests that do not, in chains as well, and holds every
//! answer against the document: no 5xx, no status, content type, header or body that it does not tell, nothing accepted
//! that it forbids, nothing given without the credentials that it demands.

mod roles;
mod tool;

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::Result;
use clap::Args;

use crate::http::Client;
use crate::place::Place;
use crate::stack::{self, Stack};
use crate::{machine, process, project, say};
use roles::Role;

/// Drive the whole API from docs/openapi.json with schemathesis, through the edge, and fail on every surprise.
///
/// Builds core and edge, starts them with PostgreSQL in a temporary folder, and asks as the owner of a workspace, as a
/// signed-in stranger, as nobody, and as an owner who deletes all there is. Installs schemathesis from PyPI under target/
/// the first time. Takes some minutes. The same seed makes the same requests; a failure is shown with a curl line.
/// For example:
///
///   cargo xtask schemathesis --role owner --include '/teams'
///   cargo xtask schemathesis --seed 7 --examples 50
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub struct Arguments {
    /// What the requests are drawn from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many requests are drawn for each operation and phase.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    examples: u32,
    /// Only as this role (may be repeated).
    #[arg(long)]
    role: Vec<Role>,
    /// Only operations whose path fits this regular expression.
    #[arg(long, value_name = "REGEX")]
    include: Option<String>,
}

pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let stage = say::stage("Looking for schemathesis");
    let st = tool::find_or_install()?;
    stage.done();
    let programs = stack::build(false)?;
    let folder = machine::shared_folder()?;
    let place = Place::open(&folder.path().join("data"))?;
    let stage = say::stage("Starting PostgreSQL, the core and the edge");
    let edge = machine::free_address()?;
    let core = machine::free_address()?;
    let settings = [stack::UNLIMITED, &roles::SETTINGS].concat();
    let stack = Stack { place: &place, programs: &programs, core, edge, settings: &settings, edge_log: None };
    let _servers = stack.start()?;
    stage.done();

    let mut surprised = Vec::new();
    for role in Role::ALL.into_iter().filter(|role| arguments.role.is_empty() || arguments.role.contains(role)) {
        let stage = say::stage(&format!("Asking as {role}"));
        let configuration = folder.path().join(format!("{role}.toml"));
        fs::write(&configuration, role.configure(&Client::new(edge))?)?;
        if !ask(&st, &configuration, role, arguments, &format!("http://{edge}"))? {
            surprised.push(role.to_string());
        }
        stage.done();
    }
    if surprised.is_empty() {
        say::result("every answer is as the document says");
        return Ok(ExitCode::SUCCESS);
    }
    say::result(&format!("there were surprises for: {}", surprised.join(", ")));
    Ok(ExitCode::FAILURE)
}

/// Whether schemathesis found nothing.
fn ask(st: &Path, configuration: &Path, role: Role, arguments: &Arguments, edge: &str) -> Result<bool> {
    let mut command = Command::new(st);
    command.env("SCHEMATHESIS_HOOKS", project::root().join("xtask/src/schemathesis/hooks.py"));
    // What it remembers of a run would change the next.
    command.current_dir(configuration.parent().unwrap_or(configuration));
    command.arg("--config-file").arg(configuration).arg("run").arg(project::root().join("docs/openapi.json"));
    command.args(["--url", edge, "--seed", &arguments.seed.to_string()]);
    command.args(["--max-examples", &arguments.examples.to_string(), "--generation-database", "none"]);
    command.args(["--phases", role.phases()]).args(role.operations());
    if let Some(include) = &arguments.include {
        command.args(["--include-path-regex", include]);
    }
    Ok(process::status(&mut command)?.success())
}
