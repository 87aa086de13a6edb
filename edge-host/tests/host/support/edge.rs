//! An edge to start: the real program, as a process of its own.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

use super::{Core, KEY, client_builder};

/// How an edge is started.
pub struct Builder {
    core: String,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    hostile: bool,
    own_components: bool,
    outbound: Vec<String>,
    wait: bool,
    workers: &'static str,
}

/// A running edge. It is killed when dropped.
pub struct Edge {
    pub address: SocketAddr,
    /// Of its metrics, if it was told to have any.
    pub metrics: Option<String>,
    child: Child,
    log: Arc<Mutex<Vec<String>>>,
    scheme: &'static str,
    folder: TempDir,
}

/// Where `cargo xtask build components` puts them.
pub fn components() -> PathBuf {
    let folder = std::env::var_os("BREAKWATER_COMPONENTS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/components"), PathBuf::from);
    let missing = ["router", "rate-limit", "auth", "cache", "assets", "test/hostile-router"]
        .iter()
        .find(|name| !folder.join(format!("{name}.wasm")).exists());
    if let Some(name) = missing {
        panic!("{name}.wasm is not in {}: run `cargo xtask build components`, or `cargo xtask test`", folder.display());
    }
    folder.canonicalize().unwrap()
}

impl Builder {
    /// Adds to the command line.
    pub fn with(mut self, arguments: &[&str]) -> Self {
        self.arguments.extend(arguments.iter().map(|argument| (*argument).to_owned()));
        self
    }

    /// Sets a variable of the environment.
    pub fn environment(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Where the core is, instead of at the played one's address.
    pub fn core(mut self, origin: &str) -> Self {
        self.core = origin.to_owned();
        self
    }

    /// With the router that misbehaves.
    pub fn hostile(mut self) -> Self {
        self.hostile = true;
        self
    }

    /// With copies of the components, which the test may change.
    pub fn own_components(mut self) -> Self {
        self.own_components = true;
        self
    }

    /// May reach another host.
    pub fn outbound(mut self, host: &str) -> Self {
        self.outbound.push(host.to_owned());
        self
    }

    /// With one worker instead of two.
    pub fn one_worker(mut self) -> Self {
        self.workers = "1";
        self
    }

    /// Does not wait for the first snapshot.
    pub fn not_ready(mut self) -> Self {
        self.wait = false;
        self
    }

    /// Starts it, and waits until it is ready.
    pub async fn start(self) -> Edge {
        let folder = TempDir::new().unwrap();
        let mut components = components();
        if self.own_components {
            let own = folder.path().join("components");
            std::fs::create_dir_all(own.join("test")).unwrap();
            for name in ["router", "rate-limit", "auth", "cache", "assets", "test/hostile-router"] {
                let file = format!("{name}.wasm");
                std::fs::copy(components.join(&file), own.join(&file)).unwrap();
            }
            components = own;
        }
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../spin.toml");
        let mut manifest = std::fs::read_to_string(manifest).unwrap();
        if self.hostile {
            manifest = manifest.replace("target/components/router.wasm", "target/components/test/hostile-router.wasm");
        }
        for host in &self.outbound {
            manifest =
                manifest.replace("allowed_outbound_hosts = [", &format!("allowed_outbound_hosts = [\"{host}\", "));
        }
        let manifest = manifest.replace("target/components", components.to_str().unwrap());
        let path = folder.path().join("spin.toml");
        std::fs::write(&path, manifest).unwrap();

        let mut command = Command::new(env!("CARGO_BIN_EXE_edge-host"));
        command
            .args(["--listen", "127.0.0.1:0", "--workers", self.workers, "--log-format", "json", "--manifest"])
            .arg(&path)
            // Compiled once for all tests, and for the next run.
            .arg("--cache")
            .arg(Path::new(env!("CARGO_TARGET_TMPDIR")).join("edge-host-cache"))
            .args(&self.arguments)
            .env("SPIN_VARIABLE_CORE_URL", &self.core)
            .env("SPIN_VARIABLE_EDGE_KEY", KEY)
            .env("RUST_LOG", "info")
            .envs(self.environment)
            .stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let (scheme, address, metrics) = listen(&mut child, log.clone());
        let edge = Edge { address, metrics, child, log, scheme, folder };
        if self.wait {
            edge.wait_ready().await;
        }
        edge
    }
}

/// Reads the log, and returns where the edge listens, and where it has its metrics.
fn listen(child: &mut Child, log: Arc<Mutex<Vec<String>>>) -> (&'static str, SocketAddr, Option<String>) {
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let mut metrics = None;
    let said = |line: &str, what: &str| Some(line.split(what).nth(1)?.split('"').next()?.to_owned());
    let origin = lines.find_map(|line| {
        metrics = said(&line, "metrics at ").or(metrics.take());
        said(&line, "listening at ")
    });
    let origin = origin.expect("the edge starts and says where it listens");
    let (scheme, address) = origin.split_once("://").unwrap();
    let scheme = if scheme == "https" { "https" } else { "http" };
    let address = address.parse().unwrap();
    std::thread::spawn(move || {
        for line in lines {
            log.lock().unwrap().push(line);
        }
    });
    (scheme, address, metrics)
}

impl Edge {
    /// To be started in front of this core.
    pub fn before(core: &Core) -> Builder {
        Builder {
            core: format!("http://{}", core.address),
            arguments: Vec::new(),
            environment: Vec::new(),
            hostile: false,
            own_components: false,
            outbound: Vec::new(),
            wait: true,
            workers: "2",
        }
    }

    /// Started in the usual way.
    pub async fn start(core: &Core) -> Self {
        Self::before(core).start().await
    }

    /// The address of something at this edge.
    pub fn url(&self, path: &str) -> String {
        format!("{}://localhost:{}{path}", self.scheme, self.address.port())
    }

    async fn wait_ready(&self) {
        // Whoever the certificate is from: this asks only whether it is ready.
        let client = client_builder().tls_danger_accept_invalid_certs(true).build().unwrap();
        eventually("the edge is ready", async || {
            client.get(self.url("/readyz")).send().await.is_ok_and(|response| response.status() == 200)
        })
        .await;
    }

    /// Log lines so far that contain a text.
    pub fn logged(&self, text: &str) -> Vec<String> {
        self.log.lock().unwrap().iter().filter(|line| line.contains(text)).cloned().collect()
    }

    /// Memory in use, in bytes.
    pub fn resident(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 1024
    }

    /// Its manifest.
    pub fn manifest(&self) -> PathBuf {
        self.folder.path().join("spin.toml")
    }

    /// One of its own components.
    pub fn component(&self, name: &str) -> PathBuf {
        self.folder.path().join("components").join(format!("{name}.wasm"))
    }

    /// Tells it to read its files again.
    pub fn hang_up(&self) {
        self.signal(Signal::SIGHUP);
    }

    /// Tells it to stop.
    pub fn terminate(&self) {
        self.signal(Signal::SIGTERM);
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().try_into().unwrap()), signal).unwrap();
    }

    /// Waits for its end.
    pub async fn ended(mut self) -> ExitStatus {
        let end = Instant::now() + Duration::from_secs(40);
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < end, "the edge does not stop");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Edge {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            for line in self.log.lock().unwrap().iter() {
                eprintln!("edge: {line}");
            }
        }
    }
}

/// Waits until something is so, or fails.
pub async fn eventually(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(30);
    while !is_so().await {
        assert!(Instant::now() < end, "not within half a minute: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
