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
    wiring: Wiring,
    /// A second core over the same database, and where it listens.
    pub other_core: Option<(Process, u16)>,
    edge_port: u16,
    pub core: Process,
    pub edge: Process,
    pub http: reqwest::Client,
}

/// How the parts are put together.
pub struct Wiring {
    /// Settings of the core's.
    pub settings: &'static [(&'static str, &'static str)],
    pub core_port: u16,
    /// Where the edge asks for the core, which may be something between the two.
    pub edge_asks: u16,
    /// Where the edge keeps its state; in its memory if nowhere.
    pub redis: Option<String>,
    /// The collector that both tell of every request, if there is one.
    pub collector: Option<String>,
}

impl System {
    /// Migrates the database that `owner_url` (without a path) names and starts both; they answer when this returns.
    pub async fn start(owner_url: &str) -> Self {
        Self::start_with(owner_url, &[]).await
    }

    /// The same with some settings of the core's.
    pub async fn start_with(owner_url: &str, settings: &'static [(&'static str, &'static str)]) -> Self {
        let core_port = free_port();
        Self::start_wired(owner_url, Wiring { settings, core_port, edge_asks: core_port, redis: None, collector: None })
            .await
    }

    /// The same, put together in another way.
    pub async fn start_wired(owner_url: &str, wiring: Wiring) -> Self {
        let folder = tempfile::tempdir().unwrap();
        write_manifest(&folder);
        declare(&folder, "");
        let edge_port = free_port();
        let database = owner_url.to_owned();
        let migrated = core_command(&folder, &database, wiring.core_port, edge_port).arg("migrate").output().unwrap();
        assert!(migrated.status.success(), "migrate failed: {}", String::from_utf8_lossy(&migrated.stderr));
        let core = start_core(&folder, &database, &wiring, wiring.core_port, edge_port);
        let edge = start_edge(&folder, &wiring, &url(wiring.edge_asks), edge_port);
        let http = crate::http::client().timeout(Duration::from_secs(10)).build().unwrap();
        let system = Self { folder, database, wiring, other_core: None, edge_port, core, edge, http };
        system.ready().await;
        system
    }

    pub fn restart_core(&mut self) {
        self.core = start_core(&self.folder, &self.database, &self.wiring, self.wiring.core_port, self.edge_port);
    }

    pub fn restart_edge(&mut self) {
        let first = url(self.wiring.edge_asks);
        let cores = match &self.other_core {
            None => first,
            Some((_, port)) => format!("{first}, {}", url(*port)),
        };
        self.edge = start_edge(&self.folder, &self.wiring, &cores, self.edge_port);
    }

    /// Starts a second core, and the edge anew with both.
    pub async fn add_core(&mut self) {
        let port = free_port();
        let core = start_core(&self.folder, &self.database, &self.wiring, port, self.edge_port);
        self.until(&format!("{}/readyz", url(port))).await;
        self.other_core = Some((core, port));
        self.edge.terminate();
        self.restart_edge();
        self.ready().await;
    }

    /// Writes the core's gateway file.
    pub fn declare(&self, text: &str) {
        declare(&self.folder, text);
    }

    /// Another edge-host before the same core, with a memory of its own; its address. It may not be ready yet.
    pub fn another_edge(&self) -> (Process, String) {
        let port = free_port();
        (start_edge(&self.folder, &self.wiring, &url(self.wiring.edge_asks), port), url(port))
    }

    /// Runs a command of `core-service admin`.
    pub fn admin(&self, arguments: &[&str]) {
        let mut command = core_command(&self.folder, &self.database, self.wiring.core_port, self.edge_port);
        let output = command.arg("admin").args(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Where the core listens, for another edge.
    pub fn core_url(&self) -> String {
        url(self.wiring.core_port)
    }

    /// The key that the core knows its edges by.
    pub fn edge_key() -> String {
        format!("test.{SECRET}")
    }

    /// An address at the edge.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.edge_port)
    }

    /// Every mail that was written so far, oldest first.
    pub fn mails(&self) -> Vec<String> {
        let Ok(files) = self.folder.path().join("mail").read_dir() else { return Vec::new() };
        let mut files: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
        files.retain(|file| file.extension().is_some_and(|extension| extension == "eml"));
        files.sort();
        files.iter().map(|file| std::fs::read_to_string(file).unwrap()).collect()
    }

    /// Waits until the edge has a snapshot and the core reaches its database.
    pub async fn ready(&self) {
        self.until(&self.url("/readyz")).await;
        self.until(&format!("{}/readyz", url(self.wiring.core_port))).await;
    }

    /// The first edge on a busy machine has to compile its components.
    async fn until(&self, url: &str) {
        let start = Instant::now();
        let mut last = String::from("no answer");
        while start.elapsed() < Duration::from_secs(90) {
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

fn declare(folder: &TempDir, text: &str) {
    std::fs::write(folder.path().join("gateway.toml"), text).unwrap();
}

/// `spin.toml`, but an edge may reach whatever tests start on this machine.
fn write_manifest(folder: &TempDir) {
    let text = std::fs::read_to_string(workspace().join("spin.toml")).unwrap();
    let (redis, components) = ("\"{{ redis_url }}\"]", "\"target/components");
    assert!(text.contains(redis) && text.contains(components));
    let text = text.replace(redis, "\"{{ redis_url }}\", \"http://127.0.0.1:*\"]");
    let text = text.replace(components, &format!("\"{}/target/components", workspace().display()));
    std::fs::write(folder.path().join("spin.toml"), text).unwrap();
}

fn url(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

fn core_command(folder: &TempDir, owner_url: &str, core_port: u16, edge_port: u16) -> Command {
    let (_, place) = owner_url.rsplit_once('@').unwrap();
    let mut command = Command::new(program("core-service"));
    command
        .env("BREAKWATER_DATABASE__OWNER_URL", owner_url)
        .env("BREAKWATER_DATABASE__URL", format!("postgres://breakwater_service:{SERVICE_PASSWORD}@{place}"))
        .env("BREAKWATER_HTTP__LISTEN", format!("127.0.0.1:{core_port}"))
        .env("BREAKWATER_IDENTITY__ISSUER", format!("http://127.0.0.1:{edge_port}"))
        .env("BREAKWATER_IDENTITY__SECRET_KEY", SECRET)
        .env("BREAKWATER_IDENTITY__EMAIL_VERIFICATION", "optional")
        .env("BREAKWATER_MAIL__FOLDER", folder.path().join("mail"))
        .env("BREAKWATER_FILES__FOLDER", folder.path().join("files"))
        .env("BREAKWATER_EDGE__GATEWAY_FILE", folder.path().join("gateway.toml"))
        .env("BREAKWATER_EDGE__KEYS", format!("test.{SECRET}"));
    command
}

fn start_core(folder: &TempDir, database: &str, wiring: &Wiring, core_port: u16, edge_port: u16) -> Process {
    let mut command = core_command(folder, database, core_port, edge_port);
    command.arg("serve").envs(wiring.settings.iter().copied());
    command.env("BREAKWATER_TELEMETRY__TRACES", wiring.collector.as_deref().unwrap_or_default());
    Process::start("core", command, folder.path())
}

fn start_edge(folder: &TempDir, wiring: &Wiring, cores: &str, edge_port: u16) -> Process {
    let mut command = Command::new(program("edge-host"));
    command
        .current_dir(workspace())
        .arg("--manifest")
        .arg(folder.path().join("spin.toml"))
        .args(["--workers", "1"])
        .args(["--listen", &format!("127.0.0.1:{edge_port}")])
        .arg("--cache")
        .arg(component_cache())
        .env("SPIN_VARIABLE_CORE_URL", cores)
        .env("SPIN_VARIABLE_EDGE_KEY", format!("test.{SECRET}"));
    if let Some(redis) = &wiring.redis {
        command.args(["--state", "redis"]).env("SPIN_VARIABLE_REDIS_URL", redis);
    }
    if let Some(collector) = &wiring.collector {
        command.args(["--traces", collector, "--traces-share", "1"]);
    }
    Process::start("edge", command, folder.path())
}

/// Compiled policies are the same for every test.
fn component_cache() -> PathBuf {
    workspace().join("target/components/cache")
}
