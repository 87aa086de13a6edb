//! A Redis of the test's own, to be killed and started again.

use std::process::Command;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::process::{Process, free_port};

/// A Redis on a loopback port, which keeps nothing.
pub struct Redis {
    folder: TempDir,
    port: u16,
    process: Process,
}

impl Redis {
    /// Starts one and waits until it listens.
    pub fn start() -> Self {
        let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
        let process = start(&folder, port);
        Self { folder, port, process }
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Ends it at once; what it knew is gone.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Starts it again where it was.
    pub fn restart(&mut self) {
        self.process = start(&self.folder, self.port);
    }
}

fn start(folder: &TempDir, port: u16) -> Process {
    let mut command = Command::new("redis-server");
    command.args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--save", "", "--appendonly", "no"]);
    command.arg("--dir").arg(folder.path());
    let process = Process::start("redis", command, folder.path());
    let start = Instant::now();
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(start.elapsed() < Duration::from_secs(20), "Redis does not listen:\n{}", process.output());
        std::thread::sleep(Duration::from_millis(10));
    }
    process
}
