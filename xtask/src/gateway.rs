//! `cargo xtask gateway`: looks after gateway.toml, with the core's own judgement.

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::Result;
use clap::{Args, Subcommand};

use crate::{process, project, say};

/// Look after gateway.toml, the file that declares upstreams, routes, limits and issuers.
#[derive(Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Subcommands,
}

#[derive(Subcommand)]
enum Subcommands {
    /// Say what is wrong with a gateway file, with lines.
    ///
    /// Builds the core, which knows its own routes, and lets it judge the file as it does before it publishes one: unknown
    /// names, references to nothing, routes of which none is more specific, routes over the core's own, and all that
    /// the edges' policies refuse. Needs no database. For example:
    ///
    ///   cargo xtask gateway check
    ///   cargo xtask gateway check deploy/gateway.toml
    ///
    /// A mistake looks like this, and the command ends with 1:
    ///
    ///   gateway.toml:7:12: there is no upstream "shp"; there are core, shop
    ///     |
    ///   7 | upstream = "shp"
    ///     |            ^^^^^
    ///
    /// docs/gateway.md tells how to put a service behind the gateway; gateway.toml itself shows all there is to say.
    #[command(verbatim_doc_comment)]
    Check {
        /// The file [default: gateway.toml of the repository].
        file: Option<PathBuf>,
    },
}

pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let Subcommands::Check { file } = &arguments.command;
    let file = file.clone().unwrap_or_else(|| project::root().join("gateway.toml"));
    let stage = say::stage("Building the core");
    let core = project::core()?;
    stage.done();
    let status = process::status(Command::new(core).arg("check-gateway").arg(file))?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
