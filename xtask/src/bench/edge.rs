//! `cargo xtask bench edge`: the edge beside HAProxy, before the same upstreams, in the same minutes.
//!
//! Two upstreams: nginx, which costs next to nothing, so that the gateways are compared; and the real core with its
//! PostgreSQL, so that one sees what of that matters. Rows take turns in every round, so that a machine that gets
//! slower for a while does so for all; what is told are medians over the rounds.
//!
//! Every row sends the same request with the same headers: the core's own token, a token for HAProxy, and the edge
//! link that the core wants, which our edge replaces with its own and HAProxy passes on.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::Value;

use super::haproxy::{self, Listener, TOKEN_HEADER};
use super::load::{self, Load, Sample};
use super::report::Report;
use super::tokens::{self, Tokens};
use super::{nginx, start};
use crate::http::Client;
use crate::place::Place;
use crate::server::{Server, Servers};
use crate::stack::{self, Stack};
use crate::up::demo::{self, Login};
use crate::{components, machine, process, project, say};

const CLIENT: &str = "127.0.0.1";
const REQUEST_ID: &str = "bench-0123456789";

/// Settings of the core for the bench: limits that are worked out for every request, but that nobody reaches, and
/// tokens that live as long as the bench.
const SETTINGS: [(&str, &str); 5] = [
    ("BREAKWATER_EDGE__LIMITS__ADDRESS__QUOTA", "100000000"),
    ("BREAKWATER_EDGE__LIMITS__ADDRESS__BURST", "100000000"),
    ("BREAKWATER_EDGE__LIMITS__CALLER__QUOTA", "100000000"),
    ("BREAKWATER_EDGE__LIMITS__CALLER__BURST", "100000000"),
    ("BREAKWATER_IDENTITY__ACCESS_TOKEN_SECONDS", "3600"),
];

/// No line per request: HAProxy and nginx write none here either.
const EDGE_LOG: &str = "info,access=off";

/// Measure the edge beside HAProxy, in front of the same core and the same nginx.
///
/// Builds in release, starts everything in a temporary folder, and prints requests per second, p50, p99 and memory of
/// each, the ratios, the cost of policy calls and the time to start. The numbers go to target/bench/edge.json, too.
#[derive(Args)]
pub struct Arguments {
    /// How often each row is measured.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// How long each measurement takes.
    #[arg(long, value_name = "SECONDS", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=30))]
    seconds: u32,
    /// Measure before this upstream only.
    #[arg(long, value_parser = ["nginx", "core"])]
    upstream: Option<String>,
}

impl Arguments {
    fn wants(&self, target: &Target) -> bool {
        self.upstream.as_ref().is_none_or(|upstream| upstream == target.upstream)
    }
}

/// Something that answers, and how it is to be measured.
struct Target {
    gateway: &'static str,
    upstream: &'static str,
    address: SocketAddr,
    process_id: u32,
}

pub fn run(arguments: &Arguments) -> Result<()> {
    machine::program_or_install(&["wrk"], "wrk", "wrk")?;
    let programs = stack::build(true)?;
    let policy_cost = build_policy_cost()?;
    let folder = machine::shared_folder()?;
    let place = Place::open(&folder.path().join("data"))?;
    let stack = Stack {
        place: &place,
        programs: &programs,
        core: free()?,
        edge: free()?,
        settings: &SETTINGS,
        edge_log: Some(EDGE_LOG),
    };
    let mut report = Report::new(arguments.rounds, arguments.seconds);
    let stage = say::stage("Starting PostgreSQL, core, edges, nginx and HAProxy");
    let bench = Bench::start(&stack, &folder.path().join("tools"), &mut report)?;
    stage.done();

    let stage = say::stage("Measuring the start and the policies");
    measure_start(&stack, &mut report)?;
    report.policies = measure_policies(&bench, stack.core, &policy_cost)?;
    stage.done();
    for connections in [16, 1] {
        let stage = say::stage(&format!("Measuring with {connections} connections"));
        for round in 1..=arguments.rounds {
            for target in bench.targets.iter().filter(|target| arguments.wants(target)) {
                let sample = bench.measure(target, connections, arguments.seconds)?;
                report.add(target.upstream, target.gateway, connections, sample);
            }
            say::note(&format!("round {round} of {}", arguments.rounds));
        }
        stage.done();
    }
    for target in bench.targets.iter().filter(|target| arguments.wants(target)) {
        report.resident(target.upstream, target.gateway, load::resident(target.process_id)?);
    }
    finish(&report)
}

fn finish(report: &Report) -> Result<()> {
    let folder = project::metadata()?.target_directory.join("bench");
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("edge.json"), serde_json::to_string_pretty(&report.to_json())? + "\n")?;
    say::result(&report.to_markdown());
    say::note("the numbers are in target/bench/edge.json");
    Ok(())
}

/// Everything that runs, and what is asked.
struct Bench {
    tools: PathBuf,
    tokens: Tokens,
    edge_key: String,
    login: Login,
    targets: Vec<Target>,
    // Stopped in this order.
    _gateways: Servers,
    _servers: Servers,
}

impl Bench {
    fn start(stack: &Stack<'_>, tools: &Path, report: &mut Report) -> Result<Self> {
        fs::create_dir_all(tools)?;
        let tokens = Tokens::make(tools)?;
        let mut servers = Servers::default();
        let cluster = stack.start_postgres(&mut servers)?;
        stack.migrate(&cluster)?;
        let core = stack.start_core(&cluster)?;
        let nginx_address = free()?;
        let nginx = nginx::start(tools, nginx_address, stack.core)?;
        let worker = ["--workers", "1"];
        // The first start compiles the components, which takes time and memory that no later start does.
        let mut first = stack.start_edge("edge-first", &worker)?;
        report.first_resident_mb = load::resident(first.id())?;
        first.stop();
        let edge = stack.start_edge("edge", &worker)?;
        let before_nginx = Stack { core: nginx_address, edge: free()?, ..*stack };
        let nginx_edge = before_nginx.start_edge("edge-nginx", &worker)?;

        let demo = demo::make(stack.place, stack.edge)?;
        let login = demo.login().context("the demo user cannot log in")?;
        let listener = |algorithm, upstream| Ok::<_, anyhow::Error>(Listener { algorithm, address: free()?, upstream });
        let listeners = [
            listener("HS256", nginx_address)?,
            listener("ES256", nginx_address)?,
            listener("HS256", stack.core)?,
            listener("ES256", stack.core)?,
        ];
        let haproxy = haproxy::start(tools, &tokens, &listeners)?;
        let target = |gateway, upstream, address, server: &Server| Target {
            gateway,
            upstream,
            address,
            process_id: server.id(),
        };
        let [nginx_hs, nginx_es, core_hs, core_es] = listeners.map(|listener| listener.address);
        let targets = vec![
            target("none", "nginx", nginx_address, &nginx),
            target("edge", "nginx", before_nginx.edge, &nginx_edge),
            target("haproxy-hs256", "nginx", nginx_hs, &haproxy),
            target("haproxy-es256", "nginx", nginx_es, &haproxy),
            target("none", "core", stack.core, &core),
            target("edge", "core", stack.edge, &edge),
            target("haproxy-hs256", "core", core_hs, &haproxy),
            target("haproxy-es256", "core", core_es, &haproxy),
        ];
        servers.push(core);
        servers.push(nginx);
        let mut gateways = Servers::default();
        for gateway in [edge, nginx_edge, haproxy] {
            gateways.push(gateway);
        }
        let edge_key = stack.edge_key()?.value;
        let tools = tools.to_owned();
        let bench = Self { tools, tokens, edge_key, login, targets, _gateways: gateways, _servers: servers };
        bench.prove()?;
        Ok(bench)
    }

    /// Every gateway lets the request through and refuses a broken token: what is measured does its work.
    fn prove(&self) -> Result<()> {
        for target in &self.targets {
            let client = Client::new(target.address);
            let mut headers = self.headers(target, 0)?;
            let status = client.get_with(&self.login.documents, &headers)?.status;
            if status != 200 {
                bail!("{} before {} answers {status} to the bench's request", target.gateway, target.upstream);
            }
            for (name, value) in &mut headers {
                if name == "authorization" || name == TOKEN_HEADER {
                    // Another signature.
                    let broken = if value.ends_with("AAAA") { "BBBB" } else { "AAAA" };
                    value.truncate(value.len() - 4);
                    value.push_str(broken);
                }
            }
            let status = client.get_with(&self.login.documents, &headers)?.status;
            let expected = if target.gateway == "none" && target.upstream == "nginx" { 200 } else { 401 };
            if status != expected {
                bail!("{} before {} answers {status} to a broken token", target.gateway, target.upstream);
            }
        }
        Ok(())
    }

    fn headers(&self, target: &Target, seconds: u32) -> Result<Vec<(String, String)>> {
        // The core allows a minute of difference: the middle of the measurement is now, for all of it.
        let time = tokens::now() + u64::from(seconds / 2);
        let link = tokens::edge_link(&self.edge_key, time, ("GET", &self.login.documents), CLIENT, REQUEST_ID)?;
        let token = if target.gateway == "haproxy-es256" { &self.tokens.es256 } else { &self.tokens.hs256 };
        let headers = [
            ("authorization", format!("Bearer {}", self.login.access_token)),
            (TOKEN_HEADER, format!("Bearer {token}")),
            ("breakwater-edge", link),
            ("x-forwarded-for", CLIENT.to_owned()),
            ("x-request-id", REQUEST_ID.to_owned()),
            ("accept", "application/json".to_owned()),
        ];
        Ok(headers.map(|(name, value)| (name.to_owned(), value)).into())
    }

    fn measure(&self, target: &Target, connections: u32, seconds: u32) -> Result<Sample> {
        let headers = self.headers(target, seconds)?;
        let load = Load { path: &self.login.documents, headers: &headers, script: "", connections, seconds };
        load::run(&self.tools, target.address, &load)
            .with_context(|| format!("{} before {}", target.gateway, target.upstream))
    }
}

fn measure_start(stack: &Stack<'_>, report: &mut Report) -> Result<()> {
    let stack = Stack { edge: free()?, ..*stack };
    for _ in 0..11 {
        report.starts_ms.push(start::measure(&stack)?);
    }
    Ok(())
}

/// Asks the real policies without a network, with the snapshot that the core publishes.
fn measure_policies(bench: &Bench, core: SocketAddr, policy_cost: &Path) -> Result<Value> {
    // An edge that asks for itself names no client.
    let link = tokens::edge_link(&bench.edge_key, tokens::now(), ("GET", "/edge/v1/snapshot"), "", REQUEST_ID)?;
    let headers =
        [("breakwater-edge", link), ("x-request-id", REQUEST_ID.into())].map(|(name, value)| (name.to_owned(), value));
    let snapshot = Client::new(core).get_with("/edge/v1/snapshot", &headers)?.success("the snapshot")?;
    let file = bench.tools.join("snapshot.json");
    fs::write(&file, snapshot.to_string())?;
    let mut cost = Command::new(policy_cost);
    cost.arg(components::folder(&project::metadata()?))
        .arg(&file)
        .args([&bench.login.access_token, &bench.login.documents]);
    let said = process::output(&mut cost)?;
    serde_json::from_str(&said).context("policy_cost says no JSON")
}

/// The program that asks the policies without a network.
fn build_policy_cost() -> Result<PathBuf> {
    let stage = say::stage("Building what asks the policies");
    process::run(project::cargo().args(["build", "--release", "--package", "edge-host", "--example", "policy_cost"]))?;
    stage.done();
    Ok(project::metadata()?.target_directory.join("release/examples/policy_cost"))
}

fn free() -> Result<SocketAddr> {
    Ok(SocketAddr::from(([127, 0, 0, 1], machine::free_port()?)))
}
