//! `cargo xtask sqlx`: the offline data in `core-service/.sqlx`, against which the core's queries are checked at compile time.
//!
//! sqlx's macros ask a database when `SQLX_OFFLINE` is false and `DATABASE_URL` is set, and write what they learn
//! into `SQLX_OFFLINE_DIR`. The core's build script looks at that variable, so a new folder makes them run again.
//! The migrations are applied here, with psql, because the core cannot be built while its offline data is stale.

use std::collections::BTreeMap;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
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
    if arguments.check {
        let stage = say::stage("Checking the offline data of the queries (core-service/.sqlx)");
        let checked = check(&Scratch::start()?);
        stage.done();
        return checked;
    }
    let stage = say::stage("Renewing the offline data of the queries (core-service/.sqlx)");
    renew(&describe(&Scratch::start()?)?)?;
    stage.done();
    Ok(())
}

/// What is in a folder of offline data: file names and contents.
type Offline = BTreeMap<String, Vec<u8>>;

/// Migrates a database of its own and lets sqlx's macros describe every query against it.
fn describe(scratch: &Scratch) -> Result<Offline> {
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

/// Fails unless the committed data is current. It takes a compilation, so it is not done again while nothing changed.
pub fn check(scratch: &Scratch) -> Result<()> {
    let memory = project::metadata()?.target_directory.join("xtask/sqlx-checked");
    let inputs = inputs()?;
    if fs::read_to_string(&memory).is_ok_and(|checked| checked == inputs) {
        say::note("core-service/.sqlx is current: nothing changed since it was checked");
        return Ok(());
    }
    let current = describe(scratch)?;
    let committed = read(&folder())?;
    let mut differences = 0;
    for (name, data) in current.iter().filter(|(name, data)| committed.get(*name) != Some(*data)) {
        say::note(&format!(
            "{name} is {}: {}",
            if committed.contains_key(name) { "changed" } else { "missing" },
            query(data)
        ));
        differences += 1;
    }
    for (name, data) in committed.iter().filter(|(name, _)| !current.contains_key(*name)) {
        say::note(&format!("{name} is no longer used: {}", query(data)));
        differences += 1;
    }
    if differences > 0 {
        bail!(
            "the offline data in core-service/.sqlx is not current: {differences} differences. Run `cargo xtask sqlx` \
             and commit core-service/.sqlx"
        );
    }
    fs::create_dir_all(memory.parent().context("the file is in a folder")?)?;
    fs::write(&memory, inputs)?;
    say::note(&format!("core-service/.sqlx is current: {} queries", current.len()));
    Ok(())
}

/// The beginning of a query, for people.
fn query(data: &[u8]) -> String {
    let described: serde_json::Value = serde_json::from_slice(data).unwrap_or_default();
    let words = described["query"].as_str().unwrap_or_default().split_whitespace();
    words.collect::<Vec<_>>().join(" ").chars().take(90).collect()
}

/// A fingerprint of everything that the check depends on.
fn inputs() -> Result<String> {
    let root = project::root();
    let mut hasher = DefaultHasher::new();
    let mut folders = vec![root.join("core-service"), root.join("migrations")];
    let mut files = vec![root.join("Cargo.lock")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    for file in files {
        (file.strip_prefix(root)?, fs::read(&file)?).hash(&mut hasher);
    }
    Ok(format!("{:016x}\n", hasher.finish()))
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
