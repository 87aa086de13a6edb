//! `cargo xtask sqlx`: the offline data in `core-service/.sqlx`, against which the core's queries are checked at compile time.
//!
//! sqlx's macros ask a database when `SQLX_OFFLINE` is false and `DATABASE_URL` is set, and write what they learn
//! into `SQLX_OFFLINE_DIR`. The core's build script looks at that variable, so a new folder makes them run again.
//! The migrations are applied here, with psql, because the core cannot be built while its offline data is stale.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::postgres::Scratch;
use crate::{process, project, say};

/// Renew the offline data of the core's SQL queries (core-service/.sqlx), or check that it is current.
///
/// A private PostgreSQL is started in a temporary folder and migrated, and the core is compiled against it.
#[derive(Args)]
pub struct Arguments {
    /// Change nothing; fail if the committed data is not what the queries and migrations say.
    #[arg(long)]
    check: bool,
}

pub fn run(arguments: &Arguments) -> Result<()> {
    let stage = say::stage("Describing the core's queries with a migrated PostgreSQL");
    let scratch = Scratch::start()?;
    let current = describe(&scratch)?;
    stage.done();
    if arguments.check { check(&current) } else { renew(&current) }
}

/// What is in a folder of offline data: file names and contents.
type Offline = BTreeMap<String, Vec<u8>>;

/// Migrates a database of its own and lets sqlx's macros describe every query against it.
pub fn describe(scratch: &Scratch) -> Result<Offline> {
    let cluster = scratch.cluster();
    let database = "breakwater_sqlx";
    cluster.query("postgres", &format!("DROP DATABASE IF EXISTS {database}"))?;
    cluster.query("postgres", &format!("CREATE DATABASE {database}"))?;
    if cluster.query("postgres", "SELECT 1 FROM pg_roles WHERE rolname = 'breakwater_service'")?.is_empty() {
        cluster.query("postgres", "CREATE ROLE breakwater_service")?;
    }
    cluster.run_files(database, &migrations()?)?;

    let folder = tempfile::Builder::new().prefix("breakwater-sqlx-").tempdir()?;
    let mut check = project::cargo();
    check.args(["check", "--package", "core-service", "--all-targets"]);
    check.env("SQLX_OFFLINE", "false").env("SQLX_OFFLINE_DIR", folder.path());
    check.env("DATABASE_URL", cluster.superuser_url(database));
    process::run(&mut check)?;
    read(folder.path())
}

/// Fails unless the committed data is current.
pub fn check(current: &Offline) -> Result<()> {
    let committed = read(&folder())?;
    let missing = current.keys().filter(|name| !committed.contains_key(*name)).count();
    let unused = committed.keys().filter(|name| !current.contains_key(*name)).count();
    let changed =
        current.iter().filter(|(name, data)| committed.get(*name).is_some_and(|there| there != *data)).count();
    if missing + unused + changed > 0 {
        bail!(
            "the offline data in core-service/.sqlx is not current: {missing} queries missing, {unused} no longer used, {changed} \
             changed. Run `cargo xtask sqlx` and commit core-service/.sqlx"
        );
    }
    say::note(&format!("core-service/.sqlx is current: {} queries", current.len()));
    Ok(())
}

fn renew(current: &Offline) -> Result<()> {
    let folder = folder();
    fs::create_dir_all(&folder)?;
    let committed = read(&folder)?;
    for name in committed.keys().filter(|name| !current.contains_key(*name)) {
        fs::remove_file(folder.join(name))?;
    }
    for (name, data) in current {
        if committed.get(name) != Some(data) {
            fs::write(folder.join(name), data)?;
        }
    }
    say::note(&format!("core-service/.sqlx holds {} queries", current.len()));
    Ok(())
}

fn folder() -> PathBuf {
    project::root().join("core-service/.sqlx")
}

fn read(folder: &Path) -> Result<Offline> {
    let mut files = Offline::new();
    if folder.exists() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            let name = path.file_name().context("a file has a name")?.to_string_lossy().into_owned();
            if name.starts_with("query-") && name.ends_with(".json") {
                files.insert(name, fs::read(&path)?);
            }
        }
    }
    Ok(files)
}

/// The migrations in the order in which they are applied.
fn migrations() -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(project::root().join("migrations"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "sql") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
