//! A private Redis that keeps nothing.

use std::net::TcpStream;
use std::time::Duration;

use anyhow::Result;
use nix::sys::signal::Signal;
use tempfile::TempDir;

use crate::machine;
use crate::server::{self, Server};

/// A Redis on a free loopback port.
pub struct Redis {
    // Dropped in this order: the server stops, then its folder goes.
    server: Server,
    _folder: TempDir,
    port: u16,
}

impl Redis {
    /// Starts one. Redis must be on the machine, or is installed.
    pub fn start() -> Result<Self> {
        let program = machine::program_or_install(&["redis-server", "valkey-server"], "Redis", "redis-server")?;
        let folder = tempfile::Builder::new().prefix("breakwater-redis-").tempdir()?;
        let port = machine::free_port()?;
        let mut redis = server::command(&program, Signal::SIGTERM);
        redis.args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--save", "", "--appendonly", "no"]);
        redis.arg("--dir").arg(folder.path());
        let mut server = Server::start("Redis", redis, Signal::SIGTERM, &folder.path().join("redis.log"))?;
        server.wait_until(Duration::from_secs(10), || TcpStream::connect(("127.0.0.1", port)).is_ok())?;
        Ok(Self { server, _folder: folder, port })
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// The number of its server's process.
    pub fn server_id(&self) -> u32 {
        self.server.id()
    }
}
