//! A PostgreSQL cluster of the test's own, to be stopped and started again.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::unistd::{Uid, User, chown};
use tempfile::TempDir;

use crate::process::free_port;

/// A private cluster on a loopback port; stopped and deleted on drop.
pub struct Cluster {
    folder: TempDir,
    binaries: PathBuf,
    port: u16,
}

impl Cluster {
    /// Makes a new cluster and starts it.
    pub fn start_new() -> Self {
        let cluster = Self {
            folder: tempfile::Builder::new().prefix("breakwater-pg-").tempdir().unwrap(),
            binaries: binaries(),
            port: free_port(),
        };
        if let Some(user) = unprivileged_user() {
            chown(cluster.folder.path(), Some(user.uid), Some(user.gid)).unwrap();
        }
        cluster.run("initdb", &["--auth=trust", "--username=postgres", "--no-sync", "--pgdata"]);
        cluster.start();
        cluster
    }

    /// Starts the cluster and waits until it answers.
    pub fn start(&self) {
        let options =
            format!("-p {} -c listen_addresses=127.0.0.1 -c fsync=off -k {}", self.port, self.folder.path().display());
        self.run("pg_ctl", &["start", "--wait", "--silent", "--log", "/dev/null", "--options", &options, "--pgdata"]);
    }

    /// Stops it at once: open connections are cut.
    pub fn stop(&self) {
        self.run("pg_ctl", &["stop", "--wait", "--silent", "--mode", "fast", "--pgdata"]);
    }

    /// The superuser's address of the database `postgres`.
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let mut command = Command::new(self.binaries.join(program));
        command.args(arguments).arg(self.folder.path().join("data"));
        command.current_dir(self.folder.path()).stdout(Stdio::null());
        // initdb and postgres refuse to run as root.
        if let Some(user) = unprivileged_user() {
            command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
        }
        let status = command.status().unwrap();
        assert!(status.success(), "{program} {arguments:?} failed: {status}");
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let running = self.folder.path().join("data/postmaster.pid").exists();
        if running && !std::thread::panicking() {
            self.stop();
        } else if running {
            let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.stop()));
        }
    }
}

fn unprivileged_user() -> Option<User> {
    if !Uid::effective().is_root() {
        return None;
    }
    Some(User::from_name("postgres").unwrap().expect("the user `postgres`, which its package makes"))
}

/// The folder of the newest PostgreSQL on this machine.
fn binaries() -> PathBuf {
    let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .map(|entries| entries.filter_map(|entry| Some(entry.ok()?.path().join("bin"))).collect())
        .unwrap_or_default();
    versions.sort();
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    versions
        .into_iter()
        .rev()
        .chain(std::env::split_paths(&on_path))
        .find(|folder| Path::new(folder).join("initdb").exists())
        .expect("PostgreSQL's programs: run `cargo xtask test`, which installs them")
}
