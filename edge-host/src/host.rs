//! The process: reads what it is told, starts the workers, and stops them without losing a request.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::runtime::{Builder, LocalOptions};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};

use crate::collapse::Collapsing;
use crate::manifest::Manifest;
use crate::metrics::{self, Metrics};
use crate::options::{Options, StateKind};
use crate::policies::PolicySet;
use crate::reload::Watch;
use crate::server::Listener;
use crate::setup::{self, Current, Setup};
use crate::snapshot::{Follower, MissingKeys};
use crate::state::{Memory, State};
use crate::traces::Traces;
use crate::upstream::{Breakers, Checker};
use crate::worker::{self, Limits, News, Parts, Phase, StateParts};

/// How long clients are asked to leave before the edge closes: long enough that every client which is in the middle of
/// something gets an answer that says so.
const LEAVING: Duration = Duration::from_millis(300);

/// Runs the edge until it is told to stop.
pub fn run(options: &Options) -> Result<()> {
    let started = Instant::now();
    let manifest = Manifest::read(&options.manifest, |name| std::env::var(name).ok())?;
    let mut parts = parts(options, &manifest)?;
    allow_many_connections();
    let listener = Listener::bind(options.listen).with_context(|| format!("cannot listen at {}", options.listen))?;
    let address = listener.address()?;
    let metrics = Arc::new(Metrics::default());
    let admin = options.admin_listen.map(|at| Listener::bind(at).with_context(|| format!("cannot listen at {at}")));
    let admin = admin.transpose()?;
    parts.metrics = admin.as_ref().map(|_| metrics.clone());

    let breakers = Arc::new(Breakers::default());
    let setup = Arc::new(Setup::load(options, &manifest, &breakers)?);
    let scheme = if setup.tls.is_some() { "https" } else { "http" };
    let (publish, current) = watch::channel(Current { setup: setup.clone(), snapshot: None });
    let (publish_unwell, unwell) = watch::channel(Arc::default());
    let news = News { current, unwell };
    let (phase, phases) = watch::channel(Phase::Serving);
    let (setups, changed) = mpsc::unbounded_channel();
    let follower = Follower {
        upstreams: setup.upstreams(),
        policies: PolicySet::new(&setup.components).map_err(anyhow::Error::from).context("cannot make the policies")?,
        keys: setup.gateway.keys.clone(),
        publish,
        changed,
        missing: parts.missing.clone(),
        metrics: metrics.clone(),
    };
    let checker = Checker::new(setup.reach.clone(), publish_unwell);
    drop(setup);
    let watch = Watch { options: Arc::new(options.clone()), breakers, setups, metrics: metrics.clone() };
    if let Some(admin) = &admin {
        tracing::info!("metrics at http://{}/metrics", admin.address()?);
    }
    let workers = start(options, &parts, &listener, &news, &phases)?;
    drop(listener);
    tracing::info!(
        workers = workers.len(),
        milliseconds = started.elapsed().as_millis(),
        "listening at {scheme}://{address}"
    );

    let runtime = Builder::new_current_thread().enable_all().build_local(LocalOptions::default())?;
    runtime.block_on(async {
        tokio::task::spawn_local(follower.run());
        tokio::task::spawn_local(checker.run(news.current));
        tokio::task::spawn_local(watch_files(watch, setup::files(options, &manifest)));
        if let Some(admin) = admin {
            tokio::task::spawn_local(metrics::serve(admin, metrics));
        }
        stop_signal(&workers).await
    })?;
    let stopped = stop(&phase, workers);
    if let Some(traces) = &parts.traces {
        traces.stop();
    }
    stopped
}

/// A connection takes two descriptors, one to each side, and what a process gets by default is soon used up.
fn allow_many_connections() {
    let raised =
        getrlimit(Resource::RLIMIT_NOFILE).and_then(|(_, hard)| setrlimit(Resource::RLIMIT_NOFILE, hard, hard));
    if let Err(error) = raised {
        tracing::warn!(%error, "the limit of open files stays as it was");
    }
}

/// Without it the edge serves on, with what it has.
async fn watch_files(watch: Watch, files: Vec<PathBuf>) {
    if let Err(error) = watch.run(files).await {
        tracing::error!(error = %format!("{error:#}"), "changes of files are no longer noticed");
    }
}

fn parts(options: &Options, manifest: &Manifest) -> Result<Parts> {
    let state = match options.state {
        StateKind::Memory => StateParts::Memory(State::Memory(Arc::new(Memory::new(options.state_bytes)))),
        StateKind::Redis => {
            let credentials = manifest.variable("redis_credentials").unwrap_or_default();
            StateParts::Redis(manifest.variable("redis_url")?.to_owned(), credentials.to_owned())
        }
    };
    Ok(Parts {
        collapsing: Collapsing::default(),
        state,
        missing: MissingKeys::default(),
        metrics: None,
        traces: Traces::start(options)?,
        limits: Limits {
            header_timeout: options.header_timeout,
            write_timeout: options.write_timeout,
            shutdown_timeout: options.shutdown_timeout,
        },
    })
}

fn start(
    options: &Options,
    parts: &Parts,
    listener: &Listener,
    news: &News,
    phases: &watch::Receiver<Phase>,
) -> Result<Vec<JoinHandle<Result<()>>>> {
    let available = || std::thread::available_parallelism().map_or(1, usize::from);
    let count = options.workers.unwrap_or_else(available).max(1);
    (0..count)
        .map(|index| {
            let (parts, listener) = (parts.clone(), listener.try_clone()?);
            let (news, phases) = (news.clone(), phases.clone());
            let run = move || worker::run(parts, listener, news, phases);
            Ok(std::thread::Builder::new().name(format!("worker-{index}")).spawn(run)?)
        })
        .collect()
}

/// Returns when the process is told to stop, or with an error when a worker has ended by itself.
async fn stop_signal(workers: &[JoinHandle<Result<()>>]) -> Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut pulse = tokio::time::interval(Duration::from_secs(1));
    loop {
        tokio::select! {
            _ = terminate.recv() => return Ok(()),
            _ = interrupt.recv() => return Ok(()),
            _ = pulse.tick() => {
                if workers.iter().any(JoinHandle::is_finished) {
                    // An edge that is missing a worker is better started anew. `stop` tells why it ended.
                    tracing::error!("a worker has ended by itself");
                    return Ok(());
                }
            }
        }
    }
}

fn stop(phase: &watch::Sender<Phase>, workers: Vec<JoinHandle<Result<()>>>) -> Result<()> {
    tracing::info!("stopping");
    phase.send_replace(Phase::Leaving);
    std::thread::sleep(LEAVING);
    phase.send_replace(Phase::Closing);
    let mut result = Ok(());
    for worker in workers {
        let ended = worker.join().unwrap_or_else(|_| Err(anyhow!("a worker panicked")));
        result = result.and(ended);
    }
    tracing::info!("stopped");
    result
}
