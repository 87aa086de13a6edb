//! `cargo xtask bench core`: what the core's most frequent answers cost, and whether they cost more with more rows.
//!
//! The core is asked directly, as an edge would ask it, so that nothing else is measured. The database is filled step
//! by step, and everything measured at each step; what is told are medians over rounds, and their ratios to the first step.

mod fill;
mod questions;
mod report;

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use clap::Args;
use serde_json::Value;

use self::questions::{Question, Questions};
use self::report::{Hashing, Report};
use super::load::{self, Load};
use super::tokens;
use crate::place::Place;
use crate::postgres::Cluster;
use crate::server::Servers;
use crate::stack::{self, DATABASE, Stack, UNLIMITED};
use crate::up::demo;
use crate::{machine, process, project, say};

const CLIENT: &str = "127.0.0.1";
const REQUEST_ID: &str = "bench-0123456789";
const CONNECTIONS: u32 = 8;

/// Requests of one kind after which the statements are counted.
const COUNTED: u32 = 20;

/// Measure me, refresh, permission checks and login, as the number of users grows.
///
/// Builds in release, starts PostgreSQL and the core in a temporary folder, fills the database, and prints requests per
/// second, p50, p99 and statements per request, and how they change. The numbers go to target/bench/core.json, too.
#[derive(Args)]
pub struct Arguments {
    /// The numbers of users to measure at, ascending; there are as many sessions, members, documents and grants.
    #[arg(long, value_delimiter = ',', default_value = "1000,100000,1000000", value_parser = clap::value_parser!(u32).range(10..=10_000_000))]
    users: Vec<u32>,
    /// How often each question is measured at each number.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// How long each measurement takes.
    #[arg(long, value_name = "SECONDS", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=30))]
    seconds: u32,
}

pub fn run(arguments: &Arguments) -> Result<()> {
    machine::program_or_install(&["wrk"], "wrk", "wrk")?;
    let programs = stack::build(true)?;
    let folder = machine::shared_folder()?;
    let place = Place::open(&folder.path().join("data"))?;
    let mut settings = UNLIMITED.to_vec();
    settings.push(("BREAKWATER_IDENTITY__ACCESS_TOKEN_SECONDS", "7200"));
    let stack =
        Stack { place: &place, programs: &programs, core: free()?, edge: free()?, settings: &settings, edge_log: None };
    let stage = say::stage("Starting PostgreSQL and the core");
    let bench = Bench::start(&stack, &folder.path().join("tools"))?;
    stage.done();
    let mut report = Report::new(arguments.rounds, arguments.seconds, CONNECTIONS, hashing(&programs.core)?);
    for &users in &arguments.users {
        let stage = say::stage(&format!("Filling the database up to {users} users"));
        fill::up_to(&bench.cluster, users)?;
        stage.done();
        let stage = say::stage(&format!("Measuring with {users} users"));
        bench.measure(arguments, users, &mut report)?;
        stage.done();
    }
    finish(&report)
}

fn finish(report: &Report) -> Result<()> {
    let folder = project::metadata()?.target_directory.join("bench");
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("core.json"), serde_json::to_string_pretty(&report.to_json())? + "\n")?;
    say::result(&report.to_markdown());
    say::note("the numbers are in target/bench/core.json");
    Ok(())
}

/// What runs, and what is asked.
struct Bench {
    tools: PathBuf,
    core: SocketAddr,
    edge_key: String,
    cluster: Cluster,
    questions: Questions,
    _servers: Servers,
}

impl Bench {
    fn start(stack: &Stack<'_>, tools: &Path) -> Result<Self> {
        fs::create_dir_all(tools)?;
        let mut servers = Servers::default();
        let first = stack.start_postgres(&mut servers)?;
        first.query("postgres", "ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'")?;
        // PostgreSQL loads it when it starts.
        servers.stop();
        let cluster = stack.start_postgres(&mut servers)?;
        stack.migrate(&cluster)?;
        cluster.query(DATABASE, "CREATE EXTENSION pg_stat_statements")?;
        servers.push(stack.start_core(&cluster)?);
        // Only to make what is asked for as any client would.
        let mut edge = stack.start_edge("edge", &[])?;
        let login = demo::make(stack.place, stack.edge)?.login().context("the demo user cannot log in")?;
        let questions = Questions::make(stack.edge, &login)?;
        edge.stop();
        let edge_key = stack.edge_key()?.value;
        Ok(Self { tools: tools.to_owned(), core: stack.core, edge_key, cluster, questions, _servers: servers })
    }

    fn measure(&self, arguments: &Arguments, users: u32, report: &mut Report) -> Result<()> {
        for question in Question::ALL {
            // Connections, prepared statements, pages in memory.
            self.ask(question, 1)?;
            report.statements(users, question, self.statements(question)?);
        }
        for round in 1..=arguments.rounds {
            for question in Question::ALL {
                report.add(users, question, self.ask(question, arguments.seconds)?);
            }
            say::note(&format!("round {round} of {}", arguments.rounds));
        }
        Ok(())
    }

    fn ask(&self, question: Question, seconds: u32) -> Result<load::Sample> {
        // The core allows a minute of difference: the middle of the measurement is now, for all of it.
        let headers = self.headers(question, tokens::now() + u64::from(seconds / 2))?;
        let (path, script) = (self.questions.path(question), self.questions.script(question, self)?);
        let load = Load { path, headers: &headers, script: &script, connections: CONNECTIONS, seconds };
        load::run(&self.tools, self.core, &load).with_context(|| question.name().to_owned())
    }

    fn headers(&self, question: Question, time: u64) -> Result<Vec<(String, String)>> {
        let target = (question.method(), self.questions.path(question));
        let link = tokens::edge_link(&self.edge_key, time, target, CLIENT, REQUEST_ID)?;
        let mut headers = vec![
            ("breakwater-edge", link),
            ("x-forwarded-for", CLIENT.to_owned()),
            ("x-request-id", REQUEST_ID.to_owned()),
            ("content-type", "application/json".to_owned()),
        ];
        headers.extend(self.questions.token(question).map(|token| ("authorization", format!("Bearer {token}"))));
        Ok(headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }

    /// Statements that one request sends to PostgreSQL, those that begin and end transactions included.
    fn statements(&self, question: Question) -> Result<f64> {
        let own = "SELECT sum(calls) FROM pg_stat_statements s JOIN pg_roles r ON r.oid = s.userid
                   WHERE r.rolname = 'breakwater_service'";
        let count = || Ok::<f64, anyhow::Error>(self.cluster.query(DATABASE, own)?.trim().parse().unwrap_or(0.0));
        let mut token = self.questions.sign_in(self)?;
        let before = count()?;
        for _ in 0..COUNTED {
            self.questions.once(question, self, &mut token)?;
        }
        Ok((count()? - before) / f64::from(COUNTED))
    }
}

/// What hashing passwords takes with the default parameters: most of what a login costs.
fn hashing(core: &Path) -> Result<Hashing> {
    let said: Value = serde_json::from_str(&process::output(Command::new(core).arg("hashing-time"))?)?;
    let number = |name: &str| said[name].as_f64().with_context(|| format!("the core said no {name}"));
    Ok(Hashing { milliseconds: number("milliseconds")?, per_second: number("per_second")? })
}

fn free() -> Result<SocketAddr> {
    Ok(SocketAddr::from(([127, 0, 0, 1], machine::free_port()?)))
}
