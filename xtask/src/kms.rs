//! AWS KMS for the tests: PyPI's `moto`, as `tests/kms` sets it up.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use nix::sys::signal::Signal;
use tempfile::TempDir;

use crate::machine::python;
use crate::server::{self, Server};
use crate::{machine, project};

/// A moto on a free loopback port.
pub struct Kms {
    // Dropped in this order: the server stops, then its folder goes.
    server: Server,
    folder: TempDir,
}

impl Kms {
    /// Starts one. Python must be on the machine, or is installed; the packages come from PyPI once.
    pub fn start() -> Result<Self> {
        let source = project::root().join("tests/kms");
        let packages = fs::read_to_string(source.join("requirements.txt"))?;
        let packages: Vec<_> = packages.lines().filter(|line| !line.starts_with('#')).collect();
        let programs = python::environment(&project::metadata()?.target_directory.join("kms"), &packages)?;
        let folder = tempfile::Builder::new().prefix("breakwater-kms-").tempdir()?;
        let mut kms = server::command(&programs.join("python"), Signal::SIGTERM);
        kms.arg(source.join("server.py")).arg(machine::free_port()?.to_string()).arg(folder.path().join("access.json"));
        let mut server = Server::start("the KMS", kms, Signal::SIGTERM, &folder.path().join("kms.log"))?;
        server.wait_until(Duration::from_secs(60), || folder.path().join("access.json").exists())?;
        Ok(Self { server, folder })
    }

    /// The file that says where it answers, and whom.
    pub fn access(&self) -> PathBuf {
        self.folder.path().join("access.json")
    }

    /// The number of its server's process.
    pub fn server_id(&self) -> u32 {
        self.server.id()
    }
}
