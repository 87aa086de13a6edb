//! The outbox's workers.

use std::time::Duration;

use super::{ConfigError, Section};

/// The workers' settings.
#[derive(Debug, Clone)]
pub struct EventsConfig {
    /// Jobs at the same time; 0 means that `serve` does none.
    pub workers: usize,
    /// How often a worker looks by itself.
    pub poll: Duration,
    /// How often a job is tried.
    pub attempts: u32,
    /// The pause after the first failure.
    pub first_retry: Duration,
    /// The longest pause.
    pub longest_retry: Duration,
    /// The longest an attempt may take.
    pub job_timeout: Duration,
    /// How long the reason of a job that is done is remembered.
    pub keep_done: Duration,
    /// How long the log tells what happened.
    pub keep_days: u32,
}

impl EventsConfig {
    pub(super) fn read(section: &Section<'_>) -> Result<Self, ConfigError> {
        const DAY: u64 = 86_400;
        Ok(Self {
            workers: section.integer("workers", 0..=1000)?,
            poll: section.seconds("poll_seconds", 1..=3600)?,
            attempts: section.integer("attempts", 1..=1000)?,
            first_retry: section.milliseconds("first_retry_ms", 1..=3_600_000)?,
            longest_retry: section.seconds("longest_retry_seconds", 1..=604_800)?,
            job_timeout: section.seconds("job_timeout_seconds", 1..=3600)?,
            keep_days: section.integer("keep_days", 1..=3650)?,
            keep_done: Duration::from_secs(section.integer::<u64>("keep_done_days", 1..=3650)? * DAY),
        })
    }
}
