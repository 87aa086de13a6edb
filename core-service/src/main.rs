//! The core's program.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use breakwater_spans::Spans;
use clap::{Parser, Subcommand};
use core_service::config::Config;
use core_service::operations::serve::{Server, stop_signal};
use core_service::operations::{encryption, metrics, migrate, telemetry, upkeep};
use core_service::{app, audit, edge, events, identity, mail};
use serde_json::json;
use tokio::net::TcpListener;

/// The core of Breakwater.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// A TOML file that overrides the defaults; see config.default.toml.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Answer edges until told to stop.
    Serve,
    /// Do the jobs of the outbox, beside processes that serve, until told to stop.
    Worker,
    /// Bring the database to this version's schema.
    Migrate,
    /// Print the OpenAPI document.
    Openapi,
    /// Make a filter of passwords that were in breaches, for identity.breached_passwords_file.
    BreachedPasswords {
        /// The list: a SHA-1 in hexadecimal each line, in order, and perhaps `:` and how often it was seen.
        list: PathBuf,
        /// The file to write.
        filter: PathBuf,
        /// Leaves out what was seen less often.
        #[arg(long, default_value_t = 1)]
        least: u64,
    },
    /// Measure what hashing a password takes on this machine with the configured parameters: the bound of signing in.
    ///
    /// Prints `milliseconds` for one password, while as many are hashed `at_once` as the configuration allows, and how many that
    /// makes `per_second`. OWASP's cheat sheet on storing passwords wants what identity.hashing_memory_kib and
    /// identity.hashing_passes are by default, or more.
    HashingTime,
    /// Say what is wrong with a gateway file, with lines; needs neither database nor secrets.
    CheckGateway {
        /// The file.
        #[arg(default_value = "gateway.toml")]
        file: PathBuf,
    },
    /// What only an operator does.
    #[command(subcommand)]
    Admin(Admin),
}

#[derive(Subcommand)]
enum Admin {
    /// Replace the key that access tokens are signed with by the next one. Tokens stay valid.
    RotateKeys,
    /// Have a new data key encrypt what must not be readable in the database. What is there stays as it is: see `reencrypt`.
    RotateDataKey,
    /// Encrypt with the newest data key what older ones encrypted.
    ///
    /// It works beside cores that serve, and may be broken off and begun again. Cores use a new data key within a minute: to be
    /// rid of an old one, do this a minute after `rotate-data-key`. An hour later housekeeping forgets keys that nothing needs.
    Reencrypt,
    /// Have the master key that is configured now encrypt the data keys, and no other.
    RewrapDataKeys,
    /// Print the data keys, without what they are, one JSON object a line: the master key of each, and how much needs it.
    DataKeys,
    /// Have every edge forget what it has cached of a URL, with a tag, or everything.
    Purge(edge::purges::Purge),
    /// Print the jobs that failed for good, one JSON object a line.
    DeadJobs,
    /// Send mail again to an address that bounced or complained.
    AllowMail {
        /// The address.
        email: String,
    },
    /// Look whether the audit trail is as it was written. Prints the end of each chain, one JSON object a line.
    ///
    /// Keep what it prints somewhere else: given back, it also shows whether a chain was cut off or written anew.
    VerifyAudit {
        /// What it printed before.
        #[arg(long, value_name = "FILE")]
        since: Option<PathBuf>,
    },
    /// Make somebody support: they may act in members' names in workspaces that consent.
    AppointSupport {
        /// The address that they registered with.
        email: String,
    },
    /// End that, and every session that they act in.
    DismissSupport {
        /// The address that they registered with.
        email: String,
    },
    /// Have a dead job tried again.
    RetryJob {
        /// Its id, or `all`.
        id: String,
    },
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("core-service: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn run(arguments: Arguments) -> anyhow::Result<()> {
    if let Command::Openapi = arguments.command {
        writeln!(std::io::stdout(), "{}", app::openapi().to_pretty_json()?)?;
        return Ok(());
    }
    if let Command::BreachedPasswords { list, filter, least } = arguments.command {
        let held = identity::passwords::build_breached(&list, &filter, least)?;
        writeln!(std::io::stdout(), "{} holds {held} passwords", filter.display())?;
        return Ok(());
    }
    let config = Config::load(arguments.config.as_deref())?;
    if let Command::CheckGateway { file } = &arguments.command {
        return check_gateway(&config, file);
    }
    if let Command::HashingTime = arguments.command {
        let (time, per_second) = identity::passwords::hashing_time(&config.identity).await?;
        let (milliseconds, at_once) = (time.as_secs_f64() * 1e3, config.identity.hashing_threads);
        let told = json!({ "milliseconds": milliseconds, "at_once": at_once, "per_second": per_second });
        writeln!(std::io::stdout(), "{told}")?;
        return Ok(());
    }
    telemetry::start(&config.telemetry)?;
    match arguments.command {
        Command::Serve => serve(config).await,
        Command::Worker => work(config).await,
        Command::Migrate => migrate::run(&config.database).await,
        Command::Admin(Admin::RotateKeys) => {
            let (state, _) = app::build(config)?;
            identity::rotate_keys(&state).await?;
            tracing::info!("the signing key was rotated");
            Ok(())
        }
        Command::Admin(Admin::RotateDataKey) => {
            let (state, _) = app::build(config)?;
            let id = encryption::rotate(&state).await?;
            tracing::info!(id, "cores encrypt with a new data key within a minute");
            Ok(())
        }
        Command::Admin(Admin::Reencrypt) => {
            let (state, _) = app::build(config)?;
            let done = encryption::reencrypt(&state).await?;
            writeln!(std::io::stdout(), "{}", serde_json::to_string(&done)?)?;
            anyhow::ensure!(done.unreadable == 0, "{} values could not be decrypted", done.unreadable);
            Ok(())
        }
        Command::Admin(Admin::RewrapDataKeys) => {
            let (state, _) = app::build(config)?;
            let count = encryption::rewrap(&state).await?;
            tracing::info!(count, "the data keys are wrapped by the master key that is configured");
            Ok(())
        }
        Command::Admin(Admin::DataKeys) => {
            let (state, _) = app::build(config)?;
            for key in state.vault.data_keys().await? {
                writeln!(std::io::stdout(), "{}", serde_json::to_string(&key)?)?;
            }
            Ok(())
        }
        Command::Admin(Admin::Purge(purge)) => {
            let (state, _) = app::build(config)?;
            let purge = purge.checked().map_err(|_| anyhow::anyhow!("say one of --url, --tag and --everything"))?;
            let number = purge.make(&state, "command").await?;
            tracing::info!(number, "edges forget it within a second");
            Ok(())
        }
        Command::Admin(Admin::DeadJobs) => {
            let (state, _) = app::build(config)?;
            for job in events::dead(&state).await? {
                writeln!(std::io::stdout(), "{}", serde_json::to_string(&job)?)?;
            }
            Ok(())
        }
        Command::Admin(Admin::AllowMail { email }) => {
            let (state, _) = app::build(config)?;
            let lifted = mail::suppression::lift(&state, &email).await?;
            tracing::info!(lifted, "the address gets mail");
            Ok(())
        }
        Command::Admin(Admin::VerifyAudit { since }) => {
            let (state, _) = app::build(config)?;
            let known = since.map(std::fs::read_to_string).transpose()?.unwrap_or_default();
            let known = known.lines().map(serde_json::from_str).collect::<Result<Vec<_>, _>>()?;
            let found = audit::verify::by_command(&state, &known).await?;
            for head in &found.heads {
                writeln!(std::io::stdout(), "{}", serde_json::to_string(head)?)?;
            }
            for wrong in &found.wrong {
                tracing::error!(wrong, "the audit trail is not as it was written");
            }
            tracing::info!(events = found.good, chains = found.heads.len(), "events that are as they were written");
            anyhow::ensure!(found.wrong.is_empty(), "the audit trail is broken in {} places", found.wrong.len());
            Ok(())
        }
        Command::Admin(Admin::AppointSupport { email }) => {
            let (state, _) = app::build(config)?;
            identity::appoint_support(&state, &email).await?;
            tracing::info!("they are support");
            Ok(())
        }
        Command::Admin(Admin::DismissSupport { email }) => {
            let (state, _) = app::build(config)?;
            identity::dismiss_support(&state, &email).await?;
            tracing::info!("they are support no more");
            Ok(())
        }
        Command::Admin(Admin::RetryJob { id }) => {
            let (state, _) = app::build(config)?;
            let id = if id == "all" { None } else { Some(id.parse()?) };
            let revived = events::revive(&state, id).await?;
            tracing::info!(revived, "dead jobs are tried again");
            Ok(())
        }
        // Done above.
        Command::Openapi | Command::BreachedPasswords { .. } | Command::CheckGateway { .. } | Command::HashingTime => {
            Ok(())
        }
    }
}

fn check_gateway(config: &Config, path: &Path) -> anyhow::Result<()> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).with_context(|| name.clone())?;
    match edge::check_gateway(config, &app::openapi(), &text)? {
        Err(mistakes) => anyhow::bail!("the gateway file cannot be used\n\n{}", mistakes.explain(&name)),
        Ok(checked) => {
            let mut out = std::io::stdout();
            writeln!(out, "{name} is good: {}", checked.summary)?;
            if !checked.origins.is_empty() {
                writeln!(out, "allowed_outbound_hosts of spin.toml must allow: {}", checked.origins.join(", "))?;
            }
            Ok(())
        }
    }
}

/// Serves the metrics, if they are to be served.
async fn tell_metrics(state: &app::AppState) -> anyhow::Result<()> {
    let Some(listen) = state.config.telemetry.metrics_listen else { return Ok(()) };
    let listener = TcpListener::bind(listen).await;
    let listener = listener.with_context(|| format!("telemetry.metrics_listen: {listen} cannot be listened on"))?;
    tracing::info!(address = %listener.local_addr()?, "metrics");
    let router = metrics::router(state.clone());
    tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, router).await {
            tracing::error!(%error, "nobody can ask for metrics any more");
        }
    });
    Ok(())
}

async fn work(config: Config) -> anyhow::Result<()> {
    let (state, _) = app::build(config)?;
    tell_metrics(&state).await?;
    tracing::info!("working");
    let numbering = tokio::spawn(events::consumer::number(state.clone()));
    let (stop_consuming, stopped) = tokio::sync::oneshot::channel::<()>();
    let stop = async { drop(stopped.await) };
    let consuming = tokio::spawn(events::consumer::consume(state.clone(), app::consumers(), stop));
    events::run(state.clone(), app::handlers(), async {
        if let Err(error) = stop_signal().await {
            tracing::error!(%error, "signals cannot be listened to");
        }
        tracing::info!("stopping");
        drop(stop_consuming);
    })
    .await;
    consuming.await?;
    numbering.abort();
    state.database.close().await;
    let last = state.clone();
    tokio::task::spawn_blocking(move || last.spans.as_ref().map(Spans::stop)).await?;
    tracing::info!("stopped");
    Ok(())
}

async fn serve(config: Config) -> anyhow::Result<()> {
    let server = Server::bind(&config.http).await?;
    let (state, router) = app::build(config)?;
    tell_metrics(&state).await?;
    let address = server.address()?;
    tracing::info!(%address, "listening");
    let upkeep = tokio::spawn(upkeep::run(state.clone()));
    let news = tokio::spawn(edge::news::listen(state.clone()));
    let issuers = tokio::spawn(edge::issuers::follow(state.clone()));
    let gateway = tokio::spawn(edge::gateway::watch::run(state.clone()));
    let numbering = tokio::spawn(events::consumer::number(state.clone()));
    let tail = tokio::spawn(events::tail::follow(state.clone()));
    let (stop_workers, _) = tokio::sync::broadcast::channel::<()>(1);
    let stopped = || {
        let mut stopped = stop_workers.subscribe();
        async move { drop(stopped.recv().await) }
    };
    let works = state.config.events.workers > 0;
    let worker = works.then(|| tokio::spawn(events::run(state.clone(), app::handlers(), stopped())));
    let consumer = works.then(|| tokio::spawn(events::consumer::consume(state.clone(), app::consumers(), stopped())));
    server
        .run(router, async {
            if let Err(error) = stop_signal().await {
                tracing::error!(%error, "signals cannot be listened to");
            }
            tracing::info!("stopping");
            state.edge.stop();
            tail.abort();
            state.tail.stop();
            drop(stop_workers);
        })
        .await;
    for task in [worker, consumer].into_iter().flatten() {
        task.await?;
    }
    numbering.abort();
    upkeep.abort();
    news.abort();
    issuers.abort();
    gateway.abort();
    state.database.close().await;
    tracing::info!("stopped");
    Ok(())
}
