//! `cargo xtask test`: everything that proves the product.
//!
//! What is committed but made by a program is checked first; each such check counts as one test. Then come the
//! tests of every crate, with real servers beside them.

mod orphans;
mod tally;

use std::env;
use std::io::{BufRead, BufReader};
use std::process::{ExitCode, Stdio};

use anyhow::{Context, Result};
use clap::Args;

use crate::interrupt::Interrupted;
use crate::kms::Kms;
use crate::oidc_provider::OidcProvider;
use crate::postgres::Scratch;
use crate::redis::Redis;
use crate::s3::S3;
use crate::smtp::Smtp;
use crate::{components, machine, openapi, process, project, say, sqlx};
use tally::Tally;

/// Run every test there is, with a private PostgreSQL, Redis, SMTP server, OpenID provider, KMS and S3.
///
/// Installs or names what is missing, builds the components, checks that core-service/.sqlx and docs/openapi.json are current,
/// runs the tests of all crates, and ends with one line: `N passed, N failed`.
#[derive(Args)]
pub struct Arguments {
    /// Only the tests whose name contains this; without the checks of committed files.
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// Only the tests of this crate (may be repeated); without the checks of committed files.
    #[arg(long, short, value_name = "NAME")]
    package: Vec<String>,
}

/// Servers that tests share, beside PostgreSQL.
struct TestServers {
    redis: Redis,
    smtp: Smtp,
    provider: OidcProvider,
    kms: Kms,
    s3: S3,
}

pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let mut tally = Tally::default();
    run_all(arguments, &mut tally)?;
    say::result(&tally.to_string());
    Ok(if tally.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn run_all(arguments: &Arguments, tally: &mut Tally) -> Result<()> {
    let everything = arguments.filter.is_none() && arguments.package.is_empty();
    if !built(tally, components::build_all())? {
        return Ok(());
    }

    let stage = say::stage("Starting PostgreSQL, Redis, an SMTP server, an OpenID provider, a KMS and S3");
    let scratch = Scratch::start()?;
    let servers = TestServers {
        redis: Redis::start()?,
        smtp: Smtp::start()?,
        provider: OidcProvider::start()?,
        kms: Kms::start()?,
        s3: S3::start()?,
    };
    stage.done();

    if everything {
        let stage = say::stage("Checking the offline data of the queries (core-service/.sqlx)");
        check(tally, sqlx::check(&scratch))?;
        stage.done();
        let stage = say::stage("Checking the OpenAPI document (docs/openapi.json)");
        check(tally, openapi::check())?;
        stage.done();
    }

    let stage = say::stage("Building the tests");
    let tests = process::run(&mut cargo_build(arguments));
    stage.done();
    if !built(tally, tests)? {
        return Ok(());
    }

    let stage = say::stage("Running the tests");
    run_tests(arguments, &scratch, &servers, tally)?;
    stage.done();
    Ok(())
}

/// Counts a check of something that is committed.
fn check(tally: &mut Tally, result: Result<()>) -> Result<()> {
    if built(tally, result)? {
        tally.passed += 1;
    }
    Ok(())
}

/// Counts something that could not be built as a failure. An interrupt is none of the product's: it ends the run.
fn built(tally: &mut Tally, result: Result<()>) -> Result<bool> {
    match result {
        Ok(()) => Ok(true),
        Err(error) if error.is::<Interrupted>() => Err(error),
        Err(error) => {
            say::failure(&error);
            tally.failed += 1;
            Ok(false)
        }
    }
}

/// Builds the tests, and with the same features of all crates the programs that whole-system tests start.
fn cargo_build(arguments: &Arguments) -> std::process::Command {
    let mut cargo = project::cargo();
    cargo.args(["build", "--all-targets"]);
    if arguments.package.is_empty() {
        cargo.arg("--workspace");
    } else {
        cargo.args(["--package", "core-service", "--package", "edge-host"]);
    }
    for package in &arguments.package {
        cargo.args(["--package", package]);
    }
    cargo
}

fn cargo_test(arguments: &Arguments) -> std::process::Command {
    let mut cargo = project::cargo();
    cargo.arg("test");
    if arguments.package.is_empty() {
        cargo.arg("--workspace");
    }
    for package in &arguments.package {
        cargo.args(["--package", package]);
    }
    // All failures are shown, not the first crate's alone.
    cargo.arg("--no-fail-fast");
    cargo
}

fn run_tests(arguments: &Arguments, scratch: &Scratch, servers: &TestServers, tally: &mut Tally) -> Result<()> {
    let mut cargo = cargo_test(arguments);
    cargo.args(&arguments.filter);
    cargo.env("BREAKWATER_TEST_POSTGRES", scratch.cluster().superuser_url("postgres"));
    cargo.env("BREAKWATER_TEST_REDIS", servers.redis.url());
    cargo.env("BREAKWATER_TEST_SMTP", servers.smtp.url());
    cargo.env("BREAKWATER_TEST_SMTP_MAILS", servers.smtp.mails());
    cargo.env("BREAKWATER_TEST_OIDC", servers.provider.issuer());
    cargo.env("BREAKWATER_TEST_KMS", servers.kms.access());
    cargo.env("BREAKWATER_TEST_S3", servers.s3.url());
    cargo.env("BREAKWATER_COMPONENTS", components::folder(&project::metadata()?));
    if env::var_os("CARGO_TERM_COLOR").is_none() && std::io::IsTerminal::is_terminal(&std::io::stdout()) {
        cargo.env("CARGO_TERM_COLOR", "always");
    }
    orphans::adopt()?;
    // What tests leave behind when they are killed goes with this folder.
    let temporary = machine::shared_folder()?;
    cargo.env("TMPDIR", temporary.path());
    let mut child = process::spawn(cargo.stdin(Stdio::null()).stdout(Stdio::piped()))?;
    let output = child.stdout.take().context("the tests' output is piped")?;
    // Reads beside the wait, so that an interrupt does not wait for the tests' next word.
    let reader = std::thread::spawn(move || {
        let mut counted = Tally::default();
        for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line);
            say::result(&line);
            counted.read(&line);
        }
        counted
    });
    let status = process::finish(&mut child);
    let left = orphans::stop(&[
        scratch.server_id(),
        servers.redis.server_id(),
        servers.smtp.server_id(),
        servers.provider.server_id(),
        servers.kms.server_id(),
        servers.s3.server_id(),
    ]);
    if left > 0 {
        say::note(&format!("stopped {left} programs that tests had left running"));
    }
    let status = status?;
    let mut counted = reader.join().map_err(|_| anyhow::anyhow!("cannot read the tests' output"))?;
    if !status.success() && counted.failed == 0 {
        // A test program that died before it could sum up.
        say::note(&format!("cargo test ended with {status}"));
        counted.failed += 1;
    }
    tally.add(&counted);
    Ok(())
}
