//! `cargo xtask`: build, run, test and measure Breakwater.
//!
//! One module per command, and small ones for what commands share. It is the first thing that a newcomer
//! compiles, so it has no async runtime and no database driver: it drives `cargo`, PostgreSQL's own programs
//! and plain HTTP.

mod bench;
mod build;
mod components;
mod gateway;
mod http;
mod interrupt;
mod kms;
mod machine;
mod oidc_provider;
mod openapi;
mod place;
mod postgres;
mod process;
mod project;
mod redis;
mod s3;
mod say;
mod schemathesis;
mod server;
mod smtp;
mod soak;
mod sqlx;
mod stack;
mod test;
mod up;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Build, run, test and measure Breakwater.
///
/// `cargo xtask up` starts everything on this machine; `cargo xtask test` proves it.
#[derive(Parser)]
#[command(bin_name = "cargo xtask", max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Up(up::Arguments),
    Test(test::Arguments),
    Build(build::Arguments),
    Bench(bench::Arguments),
    Gateway(gateway::Arguments),
    Openapi(openapi::Arguments),
    Schemathesis(schemathesis::Arguments),
    Soak(soak::Arguments),
    Sqlx(sqlx::Arguments),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match interrupt::listen().and_then(|()| run(arguments.command)) {
        Ok(code) => code,
        Err(error) if error.is::<interrupt::Interrupted>() => {
            say::note("interrupted");
            ExitCode::from(130)
        }
        Err(error) => {
            say::failure(&error);
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Up(arguments) => up::run(&arguments)?,
        Command::Test(arguments) => return test::run(&arguments),
        Command::Openapi(arguments) => openapi::run(&arguments)?,
        Command::Bench(arguments) => bench::run(&arguments)?,
        Command::Gateway(arguments) => return gateway::run(&arguments),
        Command::Schemathesis(arguments) => return schemathesis::run(&arguments),
        Command::Soak(arguments) => return soak::run(&arguments),
        Command::Build(arguments) => build::run(&arguments)?,
        Command::Sqlx(arguments) => sqlx::run(&arguments)?,
    }
    Ok(ExitCode::SUCCESS)
}
