//! One cluster: its folder, its server and its superuser.
//!
//! It listens on a free loopback port and on no socket file, whose path may be too long. Everybody needs a
//! password, because a loopback port is open to every user of the machine.

use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use nix::sys::signal::Signal;

use super::{Account, Programs, programs};
use crate::server::{self, Server};
use crate::{machine, process};

/// "Fast shutdown" in PostgreSQL's words: sessions are ended, nothing is lost.
const STOP: Signal = Signal::SIGINT;

/// A cluster that may be running.
pub struct Cluster {
    programs: Programs,
    account: Account,
    data: PathBuf,
    password: String,
    port: u16,
}

impl Cluster {
    /// Opens the cluster in `folder`, which is made if it is not there. Its superuser is `postgres`.
    ///
    /// `lasting` is false for a cluster that nobody misses after a crash of the machine.
    pub fn open(folder: &Path, password: &str, lasting: bool) -> Result<Self> {
        let data = folder.join("data");
        let programs = Programs::find_or_install(written_by(&data))?;
        let account = Account::find()?;
        let cluster = Self { programs, account, data, password: password.to_owned(), port: machine::free_port()? };
        if written_by(&cluster.data).is_none() {
            cluster.make(folder, lasting)?;
        }
        Ok(cluster)
    }

    fn make(&self, folder: &Path, lasting: bool) -> Result<()> {
        if !folder.exists() {
            fs::DirBuilder::new().mode(0o700).create(folder).with_context(|| folder.display().to_string())?;
        }
        self.account.own(folder)?;
        let password = folder.join("password");
        machine::write_secret(&password, &self.password)?;
        self.account.own(&password)?;
        let mut initdb = self.programs.command("initdb");
        initdb.arg("--pgdata").arg(&self.data).arg("--pwfile").arg(&password);
        initdb.args(["--username=postgres", "--auth=scram-sha-256", "--encoding=UTF8", "--no-instructions"]);
        initdb.arg(if cfg!(target_os = "linux") { "--locale=C.UTF-8" } else { "--locale=C" });
        if !lasting {
            initdb.arg("--no-sync");
        }
        self.account.run(&mut initdb);
        let made = process::output(&mut initdb);
        fs::remove_file(&password)?;
        made?;
        Ok(())
    }

    /// Starts the server and waits until it answers.
    pub fn start(&self, settings: &[&str], log: &Path) -> Result<Server> {
        stop_orphan(&self.data)?;
        let mut postgres = server::command(&self.programs.path("postgres"), STOP);
        programs::clean(&mut postgres);
        postgres.arg("-D").arg(&self.data).args(["-p", &self.port.to_string()]);
        for setting in ["listen_addresses=127.0.0.1", "unix_socket_directories="].iter().chain(settings) {
            postgres.args(["-c", setting]);
        }
        self.account.run(&mut postgres);
        let mut server = Server::start("PostgreSQL", postgres, STOP, log)?;
        server.wait_until(Duration::from_secs(60), || {
            let mut ready = self.programs.command("pg_isready");
            ready.args(["--quiet", "--host", "127.0.0.1", "--port", &self.port.to_string()]);
            ready.status().is_ok_and(|status| status.success())
        })?;
        Ok(server)
    }

    /// The address of a database for a user.
    pub fn url(&self, user: &str, password: &str, database: &str) -> String {
        format!("postgres://{user}:{password}@127.0.0.1:{}/{database}", self.port)
    }

    /// The superuser's address of a database.
    pub fn superuser_url(&self, database: &str) -> String {
        self.url("postgres", &self.password, database)
    }

    /// Asks as the superuser, and gives the answer without headers and alignment.
    pub fn query(&self, database: &str, sql: &str) -> Result<String> {
        process::output(self.psql(database).args(["--command", sql]))
    }

    /// Runs files of SQL as the superuser, each in one transaction.
    pub fn run_files(&self, database: &str, files: &[PathBuf]) -> Result<()> {
        for file in files {
            process::output(self.psql(database).arg("--single-transaction").arg("--file").arg(file))?;
        }
        Ok(())
    }

    fn psql(&self, database: &str) -> Command {
        let mut psql = self.programs.command("psql");
        psql.args(["--no-psqlrc", "--quiet", "--no-align", "--tuples-only", "--set=ON_ERROR_STOP=1"]);
        psql.env("PGHOST", "127.0.0.1").env("PGPORT", self.port.to_string()).env("PGDATABASE", database);
        // In the environment, because anyone may list arguments.
        psql.env("PGUSER", "postgres")
            .env("PGPASSWORD", &self.password)
            .env("PGOPTIONS", "-c client_min_messages=warning");
        psql
    }
}

/// Stops the server of a cluster if it outlived the one who started it.
pub fn stop_orphan(data: &Path) -> Result<()> {
    let (Some(major), true) = (written_by(data), data.join("postmaster.pid").exists()) else { return Ok(()) };
    let programs = Programs::find_or_install(Some(major))?;
    let account = Account::find()?;
    let ask = |arguments: &[&str]| {
        let mut pg_ctl = programs.command("pg_ctl");
        pg_ctl.args(arguments).arg("--pgdata").arg(data);
        account.run(&mut pg_ctl);
        process::output(&mut pg_ctl)
    };
    if ask(&["status"]).is_ok() {
        ask(&["stop", "--wait", "--mode=fast"])
            .context("cannot stop the PostgreSQL that an earlier run left behind")?;
    }
    Ok(())
}

/// The version that wrote a cluster, if there is one.
fn written_by(data: &Path) -> Option<u32> {
    fs::read_to_string(data.join("PG_VERSION")).ok()?.trim().parse().ok()
}

/// A cluster in a temporary folder, quick and forgetful, for tests and checks.
pub struct Scratch {
    // Dropped in this order: the server stops, then its folder goes.
    server: Server,
    cluster: Cluster,
    _folder: tempfile::TempDir,
}

impl Scratch {
    /// Makes and starts one.
    pub fn start() -> Result<Self> {
        let folder = machine::shared_folder()?;
        let cluster = Cluster::open(&folder.path().join("postgres"), &machine::random(24)?, false)?;
        let settings = ["fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=200"];
        let server = cluster.start(&settings, &folder.path().join("postgres.log"))?;
        Ok(Self { server, cluster, _folder: folder })
    }

    /// The cluster that runs.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// The number of its server's process.
    pub fn server_id(&self) -> u32 {
        self.server.id()
    }
}
