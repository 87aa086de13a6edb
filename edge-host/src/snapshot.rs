//! Following the core's snapshot: fetched, verified, tried, then given to every worker.
//!
//! A core that is away, that is not our core, or that publishes what the policies refuse changes nothing: the edge goes
//! on with the last good snapshot.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, anyhow, bail};
use breakwater_kit::headers::first;
use breakwater_pipeline::{EdgeKeys, Forward, Seed, Snapshot, SnapshotRequest, apply};
use http_body_util::{BodyExt as _, Limited};
use tokio::sync::watch;
use tokio::time::sleep;

use crate::now_ms;
use crate::policies::PolicySet;
use crate::upstream::Upstreams;

/// How often the core is asked.
const EVERY: Duration = Duration::from_secs(1);

/// The first pause after a failure, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// Milliseconds for every step of a request.
const PATIENCE: u32 = 5_000;

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
    pub publish: watch::Sender<Option<Arc<Snapshot>>>,
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
        loop {
            match self.ask(&mut known).await {
                Ok(()) => {
                    if !last_error.is_empty() {
                        tracing::info!("the core's snapshot is followed again");
                        last_error.clear();
                    }
                    pause = PAUSES.0;
                    sleep(EVERY).await;
                }
                Err(error) => {
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

    async fn ask(&mut self, known: &mut Known) -> Result<()> {
        let mut random = [0; 34];
        getrandom::fill(&mut random).map_err(std::io::Error::other)?;
        let request = SnapshotRequest::new(&self.keys, &Seed(random), known.etag.as_deref(), now_ms());
        let forward = Forward {
            upstream: "core".to_owned(),
            origin: None,
            method: "GET".to_owned(),
            path_and_query: SnapshotRequest::PATH.to_owned(),
            headers: request.headers.clone(),
            with_body: false,
            connect_timeout: PATIENCE,
            response_timeout: PATIENCE,
            idle_timeout: PATIENCE,
            retries: 0,
            max_body: 0,
        };
        let answer = self
            .upstreams
            .forward(forward, None)
            .await
            .map_err(|failure| anyhow!("the core gave no answer: {failure:?}"))?;
        let headers = &answer.head.headers;
        let header = |name| first(headers, name).unwrap_or_default().to_owned();
        let (etag, signature) = (header("etag"), header("breakwater-core"));
        let status = answer.head.status;
        let body = Limited::new(answer.body, MAX_BYTES).collect().await;
        let body = body.map_err(|error| anyhow!("the snapshot broke off: {error}"))?.to_bytes();
        if !matches!(status, 200 | 304) {
            bail!("the core answered {status} for the snapshot");
        }
        request.verify(status, &etag, &body, signature.as_bytes())?;
        if status == 304 {
            return Ok(());
        }
        // Known from here on, even if it is refused: asking for the same again would not make it better.
        known.etag = Some(etag).filter(|etag| !etag.is_empty());
        match self.try_on(&body, known.snapshot.as_deref()) {
            Ok(snapshot) if known.snapshot.as_deref() == Some(&snapshot) => {}
            Ok(snapshot) => {
                tracing::info!(version = snapshot.settings.version, "a new snapshot");
                let snapshot = Arc::new(snapshot);
                known.snapshot = Some(snapshot.clone());
                self.publish.send_replace(Some(snapshot));
            }
            Err(error) => {
                let error = format!("{error:#}");
                tracing::error!(error, have = known.snapshot.is_some(), "the snapshot was refused");
            }
        }
        Ok(())
    }

    /// Whether it is one, and whether the policies take it.
    fn try_on(&mut self, json: &[u8], last: Option<&Snapshot>) -> Result<Snapshot> {
        let snapshot = Snapshot::parse(json)?;
        apply(&mut self.policies, &snapshot, last)?;
        Ok(snapshot)
    }
}
