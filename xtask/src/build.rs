//! `cargo xtask build`: what cargo alone cannot build.

use anyhow::Result;
use clap::{Args, Subcommand};

use crate::components;

/// Build what `cargo build` alone cannot: the WebAssembly components.
#[derive(Args)]
pub struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    Components(components::Arguments),
}

pub fn run(arguments: &Arguments) -> Result<()> {
    match &arguments.what {
        What::Components(arguments) => components::run(arguments),
    }
}
