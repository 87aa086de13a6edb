//! `cargo xtask up`: everything on this machine, until Ctrl-C.

pub mod demo;

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::interrupt::{self, Interrupted};
use crate::place::Place;
use crate::server::Servers;
use crate::stack::{self, Stack, reachable};
use crate::{postgres, project, say};

/// Start Breakwater on this machine, with a demo workspace; Ctrl-C stops it.
///
/// Installs or names what is missing, builds, starts a private PostgreSQL, migrates, starts the core and the
/// edge, makes a demo workspace with a user, and prints the address, the login and a curl line that works. A line
/// `ready http://ADDR` says when it can be used. The next `up` finds the data again.
#[derive(Args)]
pub struct Arguments {
    /// Where the edge listens: what clients talk to. Port 0 takes a free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:3000")]
    edge: SocketAddr,
    /// Where the core listens, for the edge alone. Port 0 takes a free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:3001")]
    core: SocketAddr,
    /// The folder for data, secrets and logs [default: .breakwater in the repository].
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Start over: delete what earlier runs left in the folder.
    #[arg(long)]
    fresh: bool,
    /// Build with optimisation: takes longer to build, and is as fast as it gets.
    #[arg(long)]
    release: bool,
}

pub fn run(arguments: &Arguments) -> Result<()> {
    let folder = arguments.data.clone().unwrap_or_else(|| project::root().join(".breakwater"));
    let mut place = Place::open(&folder)?;
    let edge = free(arguments.edge, "--edge")?;
    let core = free(arguments.core, "--core")?;
    place.announce(&format!("http://{}", reachable(edge)))?;

    let stage = say::stage("Looking at this machine");
    let found = postgres::Programs::find_or_install(None)?;
    say::note(&format!("PostgreSQL {} in {}", found.major, found.path("").display()));
    if arguments.fresh {
        place.clear()?;
        say::note(&format!("deleted what was in {}", folder.display()));
    }
    stage.done();

    let programs = stack::build(arguments.release)?;
    let stage = say::stage("Starting PostgreSQL, the core and the edge");
    let gateway = project::root().join("gateway.toml").display().to_string();
    let settings = [("BREAKWATER_EDGE__GATEWAY_FILE", gateway.as_str())];
    let stack = Stack { place: &place, programs: &programs, core, edge, settings: &settings, edge_log: None };
    let mut servers = stack.start()?;
    stage.done();

    let demo = demo::make(&place, reachable(edge))?;
    demo.show(&place, reachable(edge), core);
    say::result(&format!("ready http://{}", reachable(edge)));
    let ended = watch(&mut servers);
    let stage = say::stage("Stopping");
    servers.stop();
    stage.done();
    match ended {
        // Ctrl-C is how this ends.
        Err(error) if error.is::<Interrupted>() => Ok(()),
        ended => ended,
    }
}

/// Waits for an interrupt, or for a server that ends by itself.
fn watch(servers: &mut Servers) -> Result<()> {
    let week = Duration::from_secs(7 * 24 * 60 * 60);
    while interrupt::wait_for(week, || servers.check().map(|()| None::<()>))?.is_none() {}
    Ok(())
}

/// Fails if somebody listens at an address already.
fn free(address: SocketAddr, flag: &str) -> Result<SocketAddr> {
    match TcpListener::bind(address) {
        Ok(listener) => Ok(listener.local_addr()?),
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            bail!(
                "port {} is taken: another program listens on {address}. Choose another with {flag} ADDR",
                address.port()
            )
        }
        Err(error) => Err(error).with_context(|| format!("cannot listen on {address} ({flag})")),
    }
}
