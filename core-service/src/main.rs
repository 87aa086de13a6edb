//! The core's program.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use core_service::config::Config;
use core_service::operations::serve::{Server, stop_signal};
use core_service::operations::{telemetry, upkeep};
use core_service::{app, database, edge, events, identity, mail};

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
    /// What only an operator does.
    #[command(subcommand)]
    Admin(Admin),
}

#[derive(Subcommand)]
enum Admin {
    /// Replace the key that access tokens are signed with by the next one. Tokens stay valid.
    RotateKeys,
    /// Print the jobs that failed for good, one JSON object a line.
    DeadJobs,
    /// Send mail again to an address that bounced or complained.
    AllowMail {
        /// The address.
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
    let config = Config::load(arguments.config.as_deref())?;
    telemetry::start(&config.telemetry)?;
    match arguments.command {
        Command::Serve => serve(config).await,
        Command::Worker => work(config).await,
        Command::Migrate => {
            database::migrate(&config.database).await?;
            tracing::info!("the database is up to date");
            Ok(())
        }
        Command::Admin(Admin::RotateKeys) => {
            let (state, _) = app::build(config)?;
            identity::rotate_keys(&state).await?;
            tracing::info!("the signing key was rotated");
            Ok(())
        }
        Command::Admin(Admin::DeadJobs) => {
            let (state, _) = app::build(config)?;
            for job in events::dead(&state).await.map_err(failed)? {
                writeln!(std::io::stdout(), "{}", serde_json::to_string(&job)?)?;
            }
            Ok(())
        }
        Command::Admin(Admin::AllowMail { email }) => {
            let (state, _) = app::build(config)?;
            let lifted = mail::suppression::lift(&state, &email).await.map_err(failed)?;
            tracing::info!(lifted, "the address gets mail");
            Ok(())
        }
        Command::Admin(Admin::RetryJob { id }) => {
            let (state, _) = app::build(config)?;
            let id = if id == "all" { None } else { Some(id.parse()?) };
            let revived = events::revive(&state, id).await.map_err(failed)?;
            tracing::info!(revived, "dead jobs are tried again");
            Ok(())
        }
        Command::Openapi => Ok(()),
    }
}

fn failed(problem: core_service::problem::Problem) -> anyhow::Error {
    anyhow::anyhow!("{}", problem.kind().title)
}

async fn work(config: Config) -> anyhow::Result<()> {
    let (state, _) = app::build(config)?;
    tracing::info!("working");
    events::run(state.clone(), app::handlers(), async {
        if let Err(error) = stop_signal().await {
            tracing::error!(%error, "signals cannot be listened to");
        }
        tracing::info!("stopping");
    })
    .await;
    state.database.close().await;
    tracing::info!("stopped");
    Ok(())
}

async fn serve(config: Config) -> anyhow::Result<()> {
    let server = Server::bind(&config.http).await?;
    let (state, router) = app::build(config)?;
    let address = server.address()?;
    tracing::info!(%address, "listening");
    let upkeep = tokio::spawn(upkeep::run(state.clone()));
    let news = tokio::spawn(edge::news::listen(state.clone()));
    let issuers = tokio::spawn(edge::issuers::follow(state.clone()));
    let (stop_worker, stopped) = tokio::sync::oneshot::channel::<()>();
    let worker = (state.config.events.workers > 0).then(|| {
        let stop = async { drop(stopped.await) };
        tokio::spawn(events::run(state.clone(), app::handlers(), stop))
    });
    server
        .run(router, async {
            if let Err(error) = stop_signal().await {
                tracing::error!(%error, "signals cannot be listened to");
            }
            tracing::info!("stopping");
            state.edge.stop();
            drop(stop_worker);
        })
        .await;
    if let Some(worker) = worker {
        worker.await?;
    }
    upkeep.abort();
    news.abort();
    issuers.abort();
    state.database.close().await;
    tracing::info!("stopped");
    Ok(())
}
