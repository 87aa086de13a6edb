//! The program `edge-host`.

use std::process::ExitCode;

use clap::Parser as _;
use edge_host::{host, logging, options::Options};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let options = Options::parse();
    logging::start(options.log_format);
    // For what talks to a collector over TLS. Fails only if there is one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    match host::run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Not through the log, whose filter may be set to nothing.
            eprintln!("edge-host: {error:#}");
            ExitCode::FAILURE
        }
    }
}
