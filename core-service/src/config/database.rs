//! PostgreSQL.

use std::time::Duration;

use sqlx::postgres::PgConnectOptions;

use super::{ConfigError, Secret, Section};

/// How PostgreSQL is reached.
#[derive(Debug, Clone)]
pub struct DatabaseConfig {
    /// How the service connects; may hold a password.
    pub url: Secret,
    /// How migrations connect.
    pub owner_url: Secret,
    /// The pool's size.
    pub max_connections: u32,
    /// How long a request waits for a connection.
    pub acquire_timeout: Duration,
    /// How long a statement may run.
    pub statement_timeout: Duration,
}

impl DatabaseConfig {
    pub(super) fn read(section: &Section<'_>) -> Result<Self, ConfigError> {
        let url = section.secret("url")?.ok_or_else(|| section.bad("url", "must be set"))?;
        let owner_url = section.secret("owner_url")?.unwrap_or_else(|| url.clone());
        // The reason names no part of the value: it may hold a password.
        for (key, value) in [("url", &url), ("owner_url", &owner_url)] {
            let readable = value.reveal().parse::<PgConnectOptions>().is_ok();
            let postgres = ["postgres://", "postgresql://"].iter().any(|scheme| value.reveal().starts_with(scheme));
            if !(readable && postgres) {
                return Err(section.bad(key, "must be a postgres:// URL"));
            }
        }
        Ok(Self {
            url,
            owner_url,
            max_connections: section.integer("max_connections", 1..=1000)?,
            acquire_timeout: section.milliseconds("acquire_timeout_ms", 10..=60_000)?,
            statement_timeout: section.milliseconds("statement_timeout_ms", 10..=600_000)?,
        })
    }
}
