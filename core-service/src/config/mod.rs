//! The configuration: one small struct per concern.
//!
//! Rules: every key stands, with its default and a comment, in `config.default.toml`; a file and then the
//! environment override it; an unknown key or a bad value stops the start with its name and the reason; a
//! [`Secret`] is never printed.

mod database;
mod edge;
mod encryption;
mod events;
mod files;
mod guesses;
mod http;
mod identity;
mod load;
mod mail;
mod providers;
mod secret;
mod section;
mod telemetry;

use std::path::Path;

pub use self::database::DatabaseConfig;
pub use self::edge::{EdgeConfig, Limit};
pub use self::encryption::{EncryptionConfig, KmsConfig, Master};
pub use self::events::EventsConfig;
pub use self::files::{FileStore, FilesConfig, S3Config};
pub use self::guesses::{GuessLimits, Guesses};
pub use self::http::{HttpConfig, TlsFiles};
pub use self::identity::{EmailVerification, IdentityConfig, SigningAlgorithm};
pub use self::mail::{MailConfig, MailTransport};
pub(crate) use self::providers::is_safe;
pub use self::providers::{ProviderConfig, ProviderKind};
pub use self::secret::Secret;
use self::section::Section;
pub use self::telemetry::{LogFormat, TelemetryConfig};

/// Every default, with its comment.
pub const DEFAULTS: &str = include_str!("../../config.default.toml");

/// A key that cannot be used, and why.
#[derive(Debug, thiserror::Error)]
#[error("{key}: {reason}")]
pub struct ConfigError {
    /// The key as a person wrote it: `http.listen`, or the variable's or file's name.
    pub key: String,
    /// Why it cannot be used.
    pub reason: String,
}

impl ConfigError {
    /// An error about `key`.
    pub fn new(key: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { key: key.into(), reason: reason.into() }
    }
}

/// Everything that can be configured.
#[derive(Debug, Clone)]
pub struct Config {
    /// The listener.
    pub http: HttpConfig,
    /// PostgreSQL.
    pub database: DatabaseConfig,
    /// Tokens, keys and password hashing.
    pub identity: IdentityConfig,
    /// The master key that everything stored encrypted depends on.
    pub encryption: EncryptionConfig,
    /// The link to the edges and what they are told.
    pub edge: EdgeConfig,
    /// The outbox's workers.
    pub events: EventsConfig,
    /// Files.
    pub files: FilesConfig,
    /// Mail.
    pub mail: MailConfig,
    /// Log lines.
    pub telemetry: TelemetryConfig,
}

impl Config {
    /// Reads the defaults, `file` when given, and this process's environment.
    pub fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        Self::load_with(file, std::env::vars())
    }

    /// The same with the environment said by the caller.
    pub fn load_with(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let table = load::merged(DEFAULTS, file, environment)?;
        let section = |name| Section::of(&table, name);
        Ok(Self {
            http: HttpConfig::read(&section("http")?)?,
            database: DatabaseConfig::read(&section("database")?)?,
            identity: IdentityConfig::read(&section("identity")?)?,
            encryption: EncryptionConfig::read(&section("encryption")?)?,
            edge: EdgeConfig::read(&section("edge")?)?,
            events: EventsConfig::read(&section("events")?)?,
            files: FilesConfig::read(&section("files")?)?,
            mail: MailConfig::read(&section("mail")?)?,
            telemetry: TelemetryConfig::read(&section("telemetry")?)?,
        })
    }
}
