//! A certified OpenID Connect provider for the tests: npm's `oidc-provider`, as `tests/provider` sets it up.

use std::fs;
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use nix::sys::signal::Signal;
use tempfile::TempDir;

use crate::server::{self, Server};
use crate::{machine, process, project};

/// What the provider is made of.
const FILES: [&str; 4] = ["package.json", "package-lock.json", ".npmrc", "provider.mjs"];

/// An oidc-provider on a free loopback port.
pub struct OidcProvider {
    // Dropped in this order: the server stops, then its folder goes.
    server: Server,
    _folder: TempDir,
    port: u16,
}

impl OidcProvider {
    /// Starts one. Node.js and npm must be on the machine, or are installed; the packages come from npm's registry once.
    pub fn start() -> Result<Self> {
        let node = machine::program_or_install(&["node"], "Node.js, for a provider in tests", "nodejs")?;
        let place = project::metadata()?.target_directory.join("oidc-provider");
        install(&place)?;
        let folder = tempfile::Builder::new().prefix("breakwater-oidc-").tempdir()?;
        let port = machine::free_port()?;
        let mut provider = server::command(&node, Signal::SIGTERM);
        provider.current_dir(&place).arg("provider.mjs").arg(port.to_string());
        let mut server =
            Server::start("the OpenID provider", provider, Signal::SIGTERM, &folder.path().join("provider.log"))?;
        server.wait_until(Duration::from_secs(30), || TcpStream::connect(("127.0.0.1", port)).is_ok())?;
        Ok(Self { server, _folder: folder, port })
    }

    /// Its issuer.
    pub fn issuer(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The number of its server's process.
    pub fn server_id(&self) -> u32 {
        self.server.id()
    }
}

/// Puts the provider and its packages into `place`, unless they are there.
fn install(place: &Path) -> Result<()> {
    let source = project::root().join("tests/provider");
    fs::create_dir_all(place)?;
    // Written last: it says that everything before it is there.
    let done = place.join("installed");
    let lock = fs::read(source.join("package-lock.json"))?;
    let fresh = fs::read(&done).is_ok_and(|installed| installed == lock);
    for file in FILES {
        fs::copy(source.join(file), place.join(file)).with_context(|| format!("cannot copy {file}"))?;
    }
    if fresh {
        return Ok(());
    }
    let npm = machine::program_or_install(&["npm"], "npm, for a provider in tests", "npm")?;
    process::run(Command::new(npm).current_dir(place).args(["ci", "--silent"]))?;
    fs::write(done, lock)?;
    Ok(())
}
