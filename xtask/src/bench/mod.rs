//! `cargo xtask bench`: what it costs, measured on this machine.

mod core;
mod edge;
mod haproxy;
mod load;
mod nginx;
mod report;
mod start;
mod tokens;

use anyhow::Result;
use clap::{Args, Subcommand};

/// Measure Breakwater on this machine.
#[derive(Args)]
pub struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    Core(core::Arguments),
    Edge(edge::Arguments),
}

pub fn run(arguments: &Arguments) -> Result<()> {
    match &arguments.what {
        What::Core(arguments) => core::run(arguments),
        What::Edge(arguments) => edge::run(arguments),
    }
}
