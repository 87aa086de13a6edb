//! The product as it is deployed: a core and an edge, each a process, over a database.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use reqwest::StatusCode;
use tempfile::TempDir;

use crate::process::{Process, free_port, program, workspace};

/// 32 bytes, base64url: the tests' own secrets.
const SECRET: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
const SERVICE_PASSWORD: &str = "breakwater-tests";

/// A core and an edge-host in front of it. Each can be stopped, killed and started again, on the same address.
pub struct System {
    folder: TempDir,
    database: String,
    core_port: u16,
    edge_port: u16,
    pub core: Process,
    pub edge: Process,
    pub http: reqwest::Client,
}

impl System {
    /// Migrates the database that `owner_url` (without a path) names and starts both; they answer when this returns.
    pub async fn start(owner_url: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (core_port, edge_port) = (free_port(), free_port());
        let database = owner_url.to_owned();
        let migrated = core_command(&database, core_port, edge_port).arg("migrate").output().unwrap();
        assert!(migrated.status.success(), "migrate failed: {}", String::from_utf8_lossy(&migrated.stderr));
        let core = start_core(&folder, &database, core_port, edge_port);
        let edge = start_edge(&folder, core_port, edge_port);
        let http = crate::http::client().timeout(Duration::from_secs(10)).build().unwrap();
        let system = Self { folder, database, core_port, edge_port, core, edge, http };
        system.ready().await;
        system
    }

    pub fn restart_core(&mut self) {
        self.core = start_core(&self.folder, &self.database, self.core_port, self.edge_port);
    }

    pub fn restart_edge(&mut self) {
        self.edge = start_edge(&self.folder, self.core_port, self.edge_port);
    }

    /// Where the core listens, for another edge.
    pub fn core_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.core_port)
    }

    /// The key that the core knows its edges by.
    pub fn edge_key() -> String {
        format!("test.{SECRET}")
    }

    /// An address at the edge.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.edge_port)
    }

    /// Waits until the edge has a snapshot and the core reaches its database.
    pub async fn ready(&self) {
        self.until(&self.url("/readyz")).await;
        self.until(&format!("http://127.0.0.1:{}/readyz", self.core_port)).await;
    }

    async fn until(&self, url: &str) {
        let start = Instant::now();
        let mut last = String::from("no answer");
        while start.elapsed() < Duration::from_secs(20) {
            match self.http.get(url).send().await {
                Ok(answer) if answer.status() == StatusCode::OK => return,
                Ok(answer) => last = answer.status().to_string(),
                Err(error) => last = error.to_string(),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{url} is not ready: {last}\ncore:\n{}\nedge:\n{}", self.core.output(), self.edge.output());
    }
}

fn core_command(owner_url: &str, core_port: u16, edge_port: u16) -> Command {
    let (_, place) = owner_url.rsplit_once('@').unwrap();
    let mut command = Command::new(program("core-service"));
    command
        .env("BREAKWATER_DATABASE__OWNER_URL", owner_url)
        .env("BREAKWATER_DATABASE__URL", format!("postgres://breakwater_service:{SERVICE_PASSWORD}@{place}"))
        .env("BREAKWATER_HTTP__LISTEN", format!("127.0.0.1:{core_port}"))
        .env("BREAKWATER_IDENTITY__ISSUER", format!("http://127.0.0.1:{edge_port}"))
        .env("BREAKWATER_IDENTITY__SECRET_KEY", SECRET)
        .env("BREAKWATER_EDGE__KEYS", format!("test.{SECRET}"));
    command
}

fn start_core(folder: &TempDir, database: &str, core_port: u16, edge_port: u16) -> Process {
    let mut command = core_command(database, core_port, edge_port);
    command.arg("serve");
    Process::start("core", command, folder.path())
}

fn start_edge(folder: &TempDir, core_port: u16, edge_port: u16) -> Process {
    let mut command = Command::new(program("edge-host"));
    command
        .current_dir(workspace())
        .args(["--manifest", "spin.toml", "--workers", "1"])
        .args(["--listen", &format!("127.0.0.1:{edge_port}")])
        .arg("--cache")
        .arg(component_cache())
        .env("SPIN_VARIABLE_CORE_URL", format!("http://127.0.0.1:{core_port}"))
        .env("SPIN_VARIABLE_EDGE_KEY", format!("test.{SECRET}"));
    Process::start("edge", command, folder.path())
}

/// Compiled policies are the same for every test.
fn component_cache() -> PathBuf {
    workspace().join("target/components/cache")
}
