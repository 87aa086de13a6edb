//! Noticing that the manifest, a component or a certificate has changed, and making a setup of what is there now.
//!
//! It is compiled beside the requests; whether it is used, [`Follower`](crate::snapshot::Follower) decides, who tries the
//! snapshot on it. What cannot be used is told, and the edge goes on with what it has.

use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::Result;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::UnboundedSender;

use crate::manifest::Manifest;
use crate::metrics::Metrics;
use crate::options::Options;
use crate::setup::{self, Setup};
use crate::upstream::Breakers;

/// How often the files are looked at.
const EVERY: Duration = Duration::from_millis(500);

/// What tells a file from what it was; none if it is not there.
type Stamp = Option<(SystemTime, u64, u64)>;

/// Looks after the files of the setup in use.
pub struct Watch {
    /// As the process was started.
    pub options: Arc<Options>,
    /// Those of every setup.
    pub breakers: Arc<Breakers>,
    /// Where setups go.
    pub setups: UnboundedSender<Setup>,
    /// Where it is counted what became of changes.
    pub metrics: Arc<Metrics>,
}

impl Watch {
    /// Never ends. `files` are those that the present setup was made of.
    pub async fn run(self, mut files: Vec<PathBuf>) -> Result<()> {
        let mut hangups = signal(SignalKind::hangup())?;
        let mut used = stamps(&files);
        loop {
            let told = tokio::select! {
                _ = hangups.recv() => true,
                () = tokio::time::sleep(EVERY) => false,
            };
            let now = stamps(&files);
            if !told {
                if now == used {
                    continue;
                }
                // Whoever writes several files, or a large one, is let finish.
                tokio::time::sleep(EVERY).await;
                if stamps(&files) != now {
                    continue;
                }
            }
            used = now;
            let (options, breakers) = (self.options.clone(), self.breakers.clone());
            match tokio::task::spawn_blocking(move || load(&options, &breakers)).await? {
                Ok((setup, made_of)) => {
                    if made_of != files {
                        used = stamps(&made_of);
                        files = made_of;
                    }
                    // If nobody receives it, the process ends anyway.
                    let _ = self.setups.send(setup);
                }
                Err(error) => {
                    self.metrics.reload_refused();
                    let error = format!("{error:#}");
                    tracing::error!(error, "what has changed cannot be used; the edge goes on with what it has");
                }
            }
        }
    }
}

fn load(options: &Options, breakers: &Arc<Breakers>) -> Result<(Setup, Vec<PathBuf>)> {
    let manifest = Manifest::read(&options.manifest, |name| std::env::var(name).ok())?;
    let files = setup::files(options, &manifest);
    Ok((Setup::load(options, &manifest, breakers)?, files))
}

fn stamps(files: &[PathBuf]) -> Vec<Stamp> {
    let stamp = |file: &PathBuf| {
        let seen = std::fs::metadata(file).ok()?;
        Some((seen.modified().ok()?, seen.len(), seen.ino()))
    };
    files.iter().map(stamp).collect()
}
