//! Following the core's snapshot: fetched, verified, tried, then given to every worker.
//!
//! The core holds the request until there is something new, so that a session's end is known here in milliseconds. One
//! that does not is asked once a second.
//!
//! A core that is away, that is not our core, or that publishes what the policies refuse changes nothing: the edge goes
//! on with the last good snapshot.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Result, anyhow, bail};
use breakwater_kit::headers::first;
use breakwater_pipeline::{EdgeKeys, Forward, Seed, Snapshot, SnapshotRequest, Upstream, apply};
use http_body_util::{BodyExt as _, Limited};
use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio::sync::{Notify, watch};
use tokio::time::sleep;

use crate::metrics::Metrics;
use crate::now_ms;
use crate::policies::PolicySet;
use crate::setup::{Current, Setup};
use crate::upstream::Upstreams;

/// How often a core is asked that answers at once.
const EVERY: Duration = Duration::from_secs(1);

/// How often one is asked that holds its answer until there is something new, at the most.
const AT_MOST: Duration = Duration::from_millis(50);

/// The first pause after a failure, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// Seconds for which the core may hold a request when it has nothing new.
const WAIT: u32 = 20;

/// Milliseconds for every step of a request, besides what the core may hold it.
const PATIENCE: u32 = 5_000;

/// Issuers that the core is told of at once; a token says the name, so there are never more than are configured.
const MOST_MISSING: usize = 32;

/// Bytes of a snapshot.
const MAX_BYTES: usize = 16 * 1024 * 1024;

/// Follows the core for as long as anybody listens.
pub struct Follower {
    /// Connections of its own.
    pub upstreams: Upstreams,
    /// Policies of its own, on which a snapshot is tried before any worker gets it.
    pub policies: PolicySet,
    /// For the link with the core.
    pub keys: EdgeKeys,
    /// To the workers.
    pub publish: watch::Sender<Current>,
    /// What has changed on the disk.
    pub changed: UnboundedReceiver<Setup>,
    /// From the workers.
    pub missing: MissingKeys,
    /// Where it is counted what became of snapshots.
    pub metrics: Arc<Metrics>,
}

/// Issuers that signed a token with a key which is not in the snapshot: the core may find it now.
#[derive(Clone, Default)]
pub struct MissingKeys(Arc<Missing>);

#[derive(Default)]
struct Missing {
    issuers: Mutex<BTreeSet<String>>,
    reported: Notify,
}

impl MissingKeys {
    /// A token named a key of this issuer that is not known.
    pub fn report(&self, issuer: &str) {
        let mut issuers = self.0.issuers.lock().unwrap_or_else(PoisonError::into_inner);
        if issuers.len() < MOST_MISSING && issuers.insert(issuer.to_owned()) {
            self.0.reported.notify_one();
        }
    }

    fn take(&self) -> Vec<String> {
        let mut issuers = self.0.issuers.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *issuers).into_iter().collect()
    }
}

/// What the core said last.
#[derive(Default)]
struct Known {
    etag: Option<String>,
    snapshot: Option<Arc<Snapshot>>,
}

impl Follower {
    /// Never ends.
    pub async fn run(mut self) {
        let mut known = Known::default();
        let mut pause = PAUSES.0;
        let mut last_error = String::new();
        let missing = self.missing.clone();
        let (_, nothing) = mpsc::unbounded_channel();
        let mut changed = std::mem::replace(&mut self.changed, nothing);
        loop {
            let issuers = missing.take();
            let asked = tokio::select! {
                asked = self.ask(&mut known, &issuers) => asked,
                Some(setup) = changed.recv() => {
                    self.exchange(setup, &mut known);
                    continue;
                }
                // The core is told of a missing key at once, but not more than once a second.
                () = async { sleep(EVERY).await; missing.0.reported.notified().await } => continue,
            };
            match asked {
                Ok(held) => {
                    self.metrics.snapshot_confirmed();
                    if !last_error.is_empty() {
                        tracing::info!("the core's snapshot is followed again");
                        last_error.clear();
                    }
                    pause = PAUSES.0;
                    sleep(if held { AT_MOST } else { EVERY }).await;
                }
                Err(error) => {
                    self.metrics.snapshot_failed();
                    // Once per cause, not once a second.
                    let error = format!("{error:#}");
                    if error != last_error {
                        tracing::warn!(error, have = known.snapshot.is_some(), "no new snapshot from the core");
                        last_error = error;
                    }
                    sleep(pause).await;
                    pause = (pause * 2).min(PAUSES.1);
                }
            }
        }
    }

    /// Asks for a snapshot other than the known one. The answer is whether the core would have held the request until
    /// there is one, so that it can be asked again at once.
    async fn ask(&mut self, known: &mut Known, missing: &[String]) -> Result<bool> {
        let mut random = [0; 34];
        getrandom::fill(&mut random).map_err(std::io::Error::other)?;
        let request = SnapshotRequest::new(&self.keys, &Seed(random), known.etag.as_deref(), now_ms())
            .waiting(WAIT)
            .reporting(missing);
        let forward = Forward {
            upstream: "core".to_owned(),
            to: Upstream::core(),
            affinity: None,
            method: "GET".to_owned(),
            path_and_query: SnapshotRequest::PATH.to_owned(),
            headers: request.headers.clone(),
            with_body: false,
            upgrade: false,
            body: None,
            connect_timeout: PATIENCE,
            response_timeout: PATIENCE + 1_000 * WAIT,
            idle_timeout: PATIENCE,
            overall_timeout: 0,
            // Another of several cores may be there.
            retries: 1,
            max_body: 0,
            mirror: None,
        };
        let answer = self
            .upstreams
            .forward(forward, None)
            .await
            .map_err(|failure| anyhow!("the core gave no answer: {failure:?}"))?;
        let headers = &answer.head.headers;
        let header = |name| first(headers, name).unwrap_or_default().to_owned();
        let (etag, signature) = (header("etag"), header("breakwater-core"));
        let held = first(headers, "preference-applied").is_some_and(|applied| applied.starts_with("wait"));
        let status = answer.head.status;
        let body = Limited::new(answer.body, MAX_BYTES).collect().await;
        let body = body.map_err(|error| anyhow!("the snapshot broke off: {error}"))?.to_bytes();
        if !matches!(status, 200 | 304) {
            bail!("the core answered {status} for the snapshot");
        }
        request.verify(status, &etag, &body, signature.as_bytes())?;
        if status == 304 {
            return Ok(held);
        }
        // Known from here on, even if it is refused: asking for the same again would not make it better.
        known.etag = Some(etag).filter(|etag| !etag.is_empty());
        match self.try_on(&body, known.snapshot.as_deref()) {
            Ok(snapshot) if known.snapshot.as_deref() == Some(&snapshot) => {}
            Ok(snapshot) => {
                tracing::info!(version = snapshot.settings.version, "a new snapshot");
                self.metrics.snapshot_taken(&snapshot.settings.version);
                let snapshot = Arc::new(snapshot);
                known.snapshot = Some(snapshot.clone());
                self.publish.send_modify(|current| current.snapshot = Some(snapshot));
            }
            Err(error) => {
                self.metrics.snapshot_refused();
                let error = format!("{error:#}");
                tracing::error!(error, have = known.snapshot.is_some(), "the snapshot was refused");
            }
        }
        Ok(held)
    }

    /// Has the workers serve with another setup, if its policies take the snapshot.
    fn exchange(&mut self, setup: Setup, known: &mut Known) {
        let tried = PolicySet::new(&setup.components).map_err(anyhow::Error::from).and_then(|mut policies| {
            if let Some(snapshot) = &known.snapshot {
                apply(&mut policies, snapshot, None)?;
            }
            Ok(policies)
        });
        match tried {
            Ok(policies) => {
                self.policies = policies;
                self.upstreams = setup.upstreams();
                self.keys = setup.gateway.keys.clone();
                // What the old policies refused, the new ones may take.
                known.etag = None;
                self.metrics.reload_taken();
                self.publish.send_modify(|current| current.setup = Arc::new(setup));
                tracing::info!("the edge serves with what has changed");
            }
            Err(error) => {
                self.metrics.reload_refused();
                let error = format!("{error:#}");
                tracing::error!(error, "what has changed cannot be used; the edge goes on with what it has");
            }
        }
    }

    /// Whether it is one, and whether the policies take it.
    fn try_on(&mut self, json: &[u8], last: Option<&Snapshot>) -> Result<Snapshot> {
        let snapshot = Snapshot::parse(json)?;
        apply(&mut self.policies, &snapshot, last)?;
        Ok(snapshot)
    }
}
