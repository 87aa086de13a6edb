//! The whole of Breakwater on this machine: PostgreSQL, the core and the edge.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use nix::sys::signal::Signal;

use crate::http::Client;
use crate::place::Place;
use crate::postgres::{Cluster, programs};
use crate::server::{self, Server, Servers};
use crate::{components, machine, process, project, say};

/// The name of its database.
pub const DATABASE: &str = "breakwater";
const OWNER: &str = "breakwater_owner";
/// The role that the core has in it.
pub const SERVICE: &str = "breakwater_service";
/// How long core and edge may take until they are ready.
const PATIENCE: Duration = Duration::from_secs(30);

/// Settings of the core for load and trials: limits are worked out for every request, but nobody reaches one.
pub const UNLIMITED: &[(&str, &str)] = &[
    ("BREAKWATER_EDGE__LIMITS__ADDRESS__QUOTA", "100000000"),
    ("BREAKWATER_EDGE__LIMITS__ADDRESS__BURST", "100000000"),
    ("BREAKWATER_EDGE__LIMITS__CALLER__QUOTA", "100000000"),
    ("BREAKWATER_EDGE__LIMITS__CALLER__BURST", "100000000"),
    ("BREAKWATER_EDGE__LIMITS__SIGN_IN__QUOTA", "100000000"),
    ("BREAKWATER_EDGE__LIMITS__SIGN_IN__BURST", "100000000"),
    ("BREAKWATER_IDENTITY__GUESSES__PAIR__SIZE", "1000000"),
    ("BREAKWATER_IDENTITY__GUESSES__ACCOUNT__SIZE", "1000000"),
    ("BREAKWATER_IDENTITY__GUESSES__NETWORK__SIZE", "1000000"),
    ("BREAKWATER_IDENTITY__GUESSES__PROOF__SIZE", "1000000"),
];

/// What a stack is made of.
pub struct Stack<'a> {
    pub place: &'a Place,
    pub programs: &'a Programs,
    pub core: SocketAddr,
    pub edge: SocketAddr,
    /// Settings of the core, by their names in the environment, that differ from the defaults.
    pub settings: &'a [(&'a str, &'a str)],
    /// What the edge logs, in the syntax of `RUST_LOG`; none is its default.
    pub edge_log: Option<&'a str>,
}

/// The two programs.
pub struct Programs {
    pub core: PathBuf,
    pub edge: PathBuf,
}

/// Builds both programs and the policies.
pub fn build(release: bool) -> Result<Programs> {
    components::build_policies()?;
    let stage = say::stage("Building the core and the edge");
    let mut cargo = project::cargo();
    cargo.args(["build", "--package", "core-service", "--package", "edge-host", "--bins"]);
    if release {
        cargo.arg("--release");
    }
    process::run(&mut cargo)?;
    stage.done();
    let folder = project::metadata()?.target_directory.join(if release { "release" } else { "debug" });
    Ok(Programs { core: folder.join("core-service"), edge: folder.join("edge-host") })
}

impl Stack<'_> {
    /// Starts everything, in order, and waits until it can be used.
    pub fn start(&self) -> Result<Servers> {
        let mut servers = Servers::default();
        let cluster = self.start_postgres(&mut servers)?;
        self.migrate(&cluster)?;
        servers.push(self.start_core(&cluster)?);
        servers.push(self.start_edge("edge", &[])?);
        Ok(servers)
    }

    /// Starts PostgreSQL and sees that the database and its owner are there.
    pub fn start_postgres(&self, servers: &mut Servers) -> Result<Cluster> {
        let superuser = self.place.secret("postgres-superuser", || machine::random(24))?;
        let cluster = Cluster::open(&self.place.cluster()?, &superuser.value, true)?;
        servers.push(cluster.start(&[], &self.place.log("postgres")?)?);
        let owner = self.place.secret("postgres-owner", || machine::random(24))?.value;
        if cluster.query("postgres", &format!("SELECT 1 FROM pg_roles WHERE rolname = '{OWNER}'"))?.is_empty() {
            // Not a superuser: row-level security binds it, too. It makes the service's role.
            cluster.query("postgres", &format!("CREATE ROLE {OWNER} LOGIN CREATEROLE PASSWORD '{owner}'"))?;
        }
        if cluster.query("postgres", &format!("SELECT 1 FROM pg_database WHERE datname = '{DATABASE}'"))?.is_empty() {
            cluster.query("postgres", &format!("CREATE DATABASE {DATABASE} OWNER {OWNER}"))?;
        }
        Ok(cluster)
    }

    /// Brings the database to the newest schema.
    pub fn migrate(&self, cluster: &Cluster) -> Result<()> {
        let mut migrate = Command::new(&self.programs.core);
        self.configure_core(migrate.arg("migrate"), cluster)?;
        process::output(&mut migrate).context("cannot migrate the database")?;
        Ok(())
    }

    /// Starts the core and waits until it is ready.
    pub fn start_core(&self, cluster: &Cluster) -> Result<Server> {
        let mut serve = server::command(&self.programs.core, Signal::SIGTERM);
        self.configure_core(serve.arg("serve"), cluster)?;
        let mut core = Server::start("the core", serve, Signal::SIGTERM, &self.place.log("core")?)?;
        let client = Client::new(self.core);
        core.wait_until(PATIENCE, || client.is_ready())?;
        Ok(core)
    }

    /// Starts the edge and waits until it is ready, which is when it has the core's snapshot.
    pub fn start_edge(&self, log: &str, arguments: &[&str]) -> Result<Server> {
        let mut edge = self.spawn_edge(log, arguments)?;
        let client = Client::new(reachable(self.edge));
        edge.wait_until(PATIENCE, || client.is_ready())?;
        Ok(edge)
    }

    /// Starts the edge.
    pub fn spawn_edge(&self, log: &str, arguments: &[&str]) -> Result<Server> {
        let mut edge = server::command(&self.programs.edge, Signal::SIGTERM);
        edge.arg("--manifest").arg(project::root().join("spin.toml"));
        edge.args(["--listen", &self.edge.to_string()]).arg("--cache").arg(self.place.path("cache")).args(arguments);
        edge.env("SPIN_VARIABLE_CORE_URL", format!("http://{}", self.core));
        edge.env("SPIN_VARIABLE_EDGE_KEY", self.edge_key()?.value);
        edge.envs(self.edge_log.map(|filter| ("RUST_LOG", filter)));
        Server::start("the edge", edge, Signal::SIGTERM, &self.place.log(log)?)
    }

    /// What core and edge know each other by.
    pub fn edge_key(&self) -> Result<crate::place::Secret> {
        self.place.secret("edge-key", || Ok(format!("local.{}", machine::random(32)?)))
    }

    /// The core's settings: the defaults, but for what is this stack's own.
    fn configure_core(&self, core: &mut Command, cluster: &Cluster) -> Result<()> {
        let owner = self.place.secret("postgres-owner", || machine::random(24))?.value;
        let service = self.place.secret("postgres-service", || machine::random(24))?.value;
        let identity = self.place.secret("identity-key", || machine::random(32))?;
        programs::clean(core);
        core.env("BREAKWATER_HTTP__LISTEN", self.core.to_string());
        core.env("BREAKWATER_DATABASE__URL", cluster.url(SERVICE, &service, DATABASE));
        core.env("BREAKWATER_DATABASE__OWNER_URL", cluster.url(OWNER, &owner, DATABASE));
        core.env("BREAKWATER_IDENTITY__ISSUER", format!("http://{}", reachable(self.edge)));
        core.env("BREAKWATER_IDENTITY__SECRET_KEY_FILE", identity.path);
        core.env("BREAKWATER_EDGE__KEYS_FILE", self.edge_key()?.path);
        // Who tries this out need not fetch a code from a folder first.
        core.env("BREAKWATER_IDENTITY__EMAIL_VERIFICATION", "optional");
        core.env("BREAKWATER_MAIL__FOLDER", self.place.path("mail"));
        core.env("BREAKWATER_FILES__FOLDER", self.place.path("files"));
        core.envs(self.settings.iter().copied());
        Ok(())
    }
}

/// The address under which this machine itself reaches a listener.
pub fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(if address.is_ipv4() { [127, 0, 0, 1].into() } else { std::net::Ipv6Addr::LOCALHOST.into() });
    }
    address
}
