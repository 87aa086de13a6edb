//! The link to the edges and what they are told.

use std::path::PathBuf;

use serde::Serialize;

use super::{ConfigError, Secret, Section};

/// The edge room's settings.
#[derive(Debug, Clone)]
pub struct EdgeConfig {
    /// Keys that edges may sign with.
    pub keys: Vec<Secret>,
    /// A file with more of them.
    pub keys_file: Option<PathBuf>,
    /// `gateway.toml`: what an operator declares for the edges.
    pub gateway_file: Option<PathBuf>,
    /// Who shows it may purge what edges have cached.
    pub purge_key: Option<Secret>,
    /// Origins of browsers that may call from another site.
    pub allowed_origins: Vec<String>,
    /// How long browsers may remember that.
    pub cors_max_age_seconds: u32,
    /// What an edge tells clients to wait when the core is away.
    pub retry_after_seconds: u32,
    /// Raising it forgets what edges have cached.
    pub cache_generation: u64,
    /// The largest object that an edge keeps.
    pub cache_max_object_bytes: u64,
    /// Rate limits by name.
    pub limits: Vec<Limit>,
}

/// A rate limit, as the snapshot tells it to edges.
#[derive(Debug, Clone, Serialize)]
pub struct Limit {
    /// Routes name it by this.
    pub name: String,
    /// Whom it counts: `address` or `caller`.
    pub by: String,
    /// Requests per window.
    pub quota: u64,
    /// The window.
    pub window_seconds: u64,
    /// Requests at once.
    pub burst: u64,
    /// What one request costs.
    pub cost: u64,
    /// `open` lets requests through when the edge's counters are away, `closed` does not.
    pub when_state_is_away: String,
}

impl EdgeConfig {
    pub(super) fn read(section: &Section<'_>) -> Result<Self, ConfigError> {
        let limits = section.section("limits")?;
        let limits = limits.names().map(|name| Limit::read(name, &limits.section(name)?)).collect::<Result<_, _>>()?;
        Ok(Self {
            keys: section.list("keys")?.into_iter().map(Secret::new).collect(),
            keys_file: section.optional("keys_file")?.map(PathBuf::from),
            gateway_file: section.optional("gateway_file")?.map(PathBuf::from),
            purge_key: purge_key(section)?,
            allowed_origins: section.list("allowed_origins")?,
            cors_max_age_seconds: section.integer("cors_max_age_seconds", 0..=86_400)?,
            retry_after_seconds: section.integer("retry_after_seconds", 1..=3600)?,
            cache_generation: section.integer("cache_generation", 0..=i64::MAX)?,
            cache_max_object_bytes: section.integer("cache_max_object_bytes", 0..=1_073_741_824)?,
            limits,
        })
    }
}

fn purge_key(section: &Section<'_>) -> Result<Option<Secret>, ConfigError> {
    let key = section.secret("purge_key")?;
    match &key {
        Some(key) if key.reveal().len() < 20 => Err(section.bad("purge_key", "must have 20 characters at least")),
        _ => Ok(key),
    }
}

impl Limit {
    fn read(name: &str, section: &Section<'_>) -> Result<Self, ConfigError> {
        let one_of = |key: &str, words: [&str; 2]| {
            let value = section.string(key)?;
            if words.contains(&value) {
                return Ok(value.to_owned());
            }
            Err(section.bad(key, format!("must be {} or {}", words[0], words[1])))
        };
        const MOST: i64 = 1_000_000_000;
        Ok(Self {
            name: name.to_owned(),
            by: one_of("by", ["address", "caller"])?,
            quota: section.integer("quota", 1..=MOST)?,
            window_seconds: section.integer("window_seconds", 1..=86_400)?,
            burst: section.integer("burst", 1..=MOST)?,
            cost: section.integer("cost", 1..=MOST)?,
            when_state_is_away: one_of("when_state_is_away", ["open", "closed"])?,
        })
    }
}
