//! The process: reads what it is told, starts the workers, and stops them without losing a request.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow};
use breakwater_pipeline::{EdgeKeys, Gateway, HeadLimits, Proxies, Snapshot};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::runtime::{Builder, LocalOptions};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::collapse::Collapsing;
use crate::manifest::Manifest;
use crate::options::{ClientAuth, Options, StateKind};
use crate::policies::{Components, PolicySet};
use crate::server::Listener;
use crate::snapshot::{Follower, MissingKeys};
use crate::state::{Memory, State};
use crate::tls::{self, ClientAuthority};
use crate::upstream::{Origin, Upstreams};
use crate::worker::{self, Limits, Parts, Phase, StateParts};

/// How long clients are asked to leave before the edge closes: long enough that every client which is in the middle of
/// something gets an answer that says so.
const LEAVING: Duration = Duration::from_millis(300);

/// Runs the edge until it is told to stop.
pub fn run(options: &Options) -> Result<()> {
    let started = Instant::now();
    let manifest = Manifest::read(&options.manifest, |name| std::env::var(name).ok())?;
    let parts = parts(options, &manifest)?;
    allow_many_connections();
    let listener = Listener::bind(options.listen).with_context(|| format!("cannot listen at {}", options.listen))?;
    let address = listener.address()?;

    let (publish, snapshots) = watch::channel(None);
    let (phase, phases) = watch::channel(Phase::Serving);
    let follower = Follower {
        upstreams: Upstreams::new(parts.core.clone(), parts.allowed.clone(), parts.upstream_tls.clone()),
        policies: PolicySet::new(&parts.components).map_err(anyhow::Error::from).context("cannot make the policies")?,
        keys: parts.gateway.keys.clone(),
        publish,
        missing: parts.missing.clone(),
    };
    let workers = start(options, &parts, &listener, &snapshots, &phases)?;
    drop(listener);
    let scheme = if parts.tls.is_some() { "https" } else { "http" };
    tracing::info!(
        workers = workers.len(),
        milliseconds = started.elapsed().as_millis(),
        "listening at {scheme}://{address}"
    );

    let runtime = Builder::new_current_thread().enable_all().build_local(LocalOptions::default())?;
    runtime.block_on(async {
        tokio::task::spawn_local(follower.run());
        stop_signal(&workers).await
    })?;
    stop(&phase, workers)
}

/// A connection takes two descriptors, one to each side, and what a process gets by default is soon used up.
fn allow_many_connections() {
    let raised =
        getrlimit(Resource::RLIMIT_NOFILE).and_then(|(_, hard)| setrlimit(Resource::RLIMIT_NOFILE, hard, hard));
    if let Err(error) = raised {
        tracing::warn!(%error, "the limit of open files stays as it was");
    }
}

fn parts(options: &Options, manifest: &Manifest) -> Result<Parts> {
    let keys = EdgeKeys::parse(manifest.variable("edge_key")?).context("the variable `edge_key`")?;
    let core: Origin = manifest.variable("core_url")?.parse().context("the variable `core_url`")?;
    let variable = |name| manifest.variable(name).unwrap_or_default();
    let proxies = Proxies::parse(variable("trusted_proxies"), variable("client_address_header"))
        .context("the variable `trusted_proxies`")?;
    let state = match options.state {
        StateKind::Memory => StateParts::Memory(State::Memory(Arc::new(Memory::new(options.state_bytes)))),
        StateKind::Redis => {
            let credentials = manifest.variable("redis_credentials").unwrap_or_default();
            StateParts::Redis(manifest.variable("redis_url")?.to_owned(), credentials.to_owned())
        }
    };
    let tls = match (&options.tls_cert, &options.tls_key) {
        (Some(certificate), Some(key)) => {
            let required = options.client_auth == ClientAuth::Required;
            let clients = options.client_ca.as_deref().map(|file| ClientAuthority { file, required });
            Some(tls::server(certificate, key, clients.as_ref())?)
        }
        _ => None,
    };
    Ok(Parts {
        components: Components::load(&manifest.policies, options.cache.as_deref())?,
        gateway: Arc::new(Gateway { keys, limits: HeadLimits::default(), proxies, settings: None }),
        core,
        allowed: manifest.allowed.clone(),
        upstream_tls: tls::client(options.upstream_ca.as_deref())?,
        tls,
        collapsing: Collapsing::default(),
        state,
        missing: MissingKeys::default(),
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
    snapshots: &watch::Receiver<Option<Arc<Snapshot>>>,
    phases: &watch::Receiver<Phase>,
) -> Result<Vec<JoinHandle<Result<()>>>> {
    let available = || std::thread::available_parallelism().map_or(1, usize::from);
    let count = options.workers.unwrap_or_else(available).max(1);
    (0..count)
        .map(|index| {
            let (parts, listener) = (parts.clone(), listener.try_clone()?);
            let (snapshots, phases) = (snapshots.clone(), phases.clone());
            let run = move || worker::run(parts, listener, snapshots, phases);
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
