//! A private SMTP server that keeps what it gets in a Maildir: the mail room's tests send to it and read there.

use std::net::TcpStream;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use nix::sys::signal::Signal;
use tempfile::TempDir;

use crate::machine;
use crate::server::{self, Server};

/// An aiosmtpd on a free loopback port.
pub struct Smtp {
    // Dropped in this order: the server stops, then its folder goes.
    server: Server,
    folder: TempDir,
    port: u16,
}

impl Smtp {
    /// Starts one. It must be on the machine, or is installed.
    pub fn start() -> Result<Self> {
        let program = machine::program_or_install(&["aiosmtpd"], "an SMTP server for tests", "python3-aiosmtpd")?;
        let folder = tempfile::Builder::new().prefix("breakwater-smtp-").tempdir()?;
        let port = machine::free_port()?;
        let mut smtp = server::command(&program, Signal::SIGTERM);
        smtp.args(["--nosetuid", "--listen", &format!("127.0.0.1:{port}")]);
        smtp.args(["--class", "aiosmtpd.handlers.Mailbox"]).arg(folder.path().join("mail"));
        let mut server = Server::start("the SMTP server", smtp, Signal::SIGTERM, &folder.path().join("smtp.log"))?;
        server.wait_until(Duration::from_secs(10), || TcpStream::connect(("127.0.0.1", port)).is_ok())?;
        Ok(Self { server, folder, port })
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("smtp://127.0.0.1:{}", self.port)
    }

    /// The Maildir with what it got.
    pub fn mails(&self) -> PathBuf {
        self.folder.path().join("mail")
    }

    /// The number of its server's process.
    pub fn server_id(&self) -> u32 {
        self.server.id()
    }
}
