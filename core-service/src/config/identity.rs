//! Tokens, keys and password hashing.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::{ConfigError, Secret, Section};

/// How access tokens are signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SigningAlgorithm {
    /// Ed25519, RFC 8037.
    EdDsa,
    /// ECDSA over P-256 with SHA-256, RFC 7518 section 3.4.
    Es256,
}

impl SigningAlgorithm {
    /// The name in a token's `alg`.
    pub fn name(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Es256 => "ES256",
        }
    }
}

impl fmt::Display for SigningAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for SigningAlgorithm {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "EdDSA" => Ok(Self::EdDsa),
            "ES256" => Ok(Self::Es256),
            _ => Err("must be EdDSA or ES256"),
        }
    }
}

/// Identity's settings.
#[derive(Debug, Clone)]
pub struct IdentityConfig {
    /// The `iss` of our access tokens.
    pub issuer: String,
    /// The `aud` of our access tokens.
    pub audience: String,
    /// How they are signed.
    pub algorithm: SigningAlgorithm,
    /// How long an access token lives.
    pub access_token_life: Duration,
    /// How long a session lives without a refresh.
    pub refresh_token_life: Duration,
    /// How long the parent of a refresh token gets the same child again.
    pub refresh_grace: Duration,
    /// How much clocks may differ.
    pub leeway: Duration,
    /// How often the signing key is replaced; `None` means by command only.
    pub key_rotation: Option<Duration>,
    /// The secret from which everything stored encrypted is derived.
    pub secret_key: Option<Secret>,
    /// Passwords hashed at the same time.
    pub hashing_threads: usize,
    /// Passwords waiting to be hashed.
    pub hashing_queue: usize,
}

impl IdentityConfig {
    pub(super) fn read(section: &Section<'_>) -> Result<Self, ConfigError> {
        const DAY: u64 = 86_400;
        const YEAR: i64 = 31_536_000;
        let issuer = section.string("issuer")?;
        if !(issuer.starts_with("https://") || issuer.starts_with("http://")) {
            return Err(section.bad("issuer", "must be an http:// or https:// URL"));
        }
        let threads = section.integer("hashing_threads", 0..=1024)?;
        Ok(Self {
            issuer: issuer.to_owned(),
            audience: section.string("audience")?.to_owned(),
            algorithm: section.parse("algorithm")?,
            access_token_life: section.seconds("access_token_seconds", 1..=86_400)?,
            refresh_token_life: section.seconds("refresh_token_seconds", 60..=YEAR)?,
            refresh_grace: section.seconds("refresh_grace_seconds", 0..=300)?,
            leeway: section.seconds("leeway_seconds", 0..=300)?,
            key_rotation: Some(section.integer::<u64>("key_rotation_days", 0..=3650)?)
                .filter(|days| *days > 0)
                .map(|days| Duration::from_secs(days * DAY)),
            secret_key: section.secret("secret_key")?,
            hashing_threads: match threads {
                0 => std::thread::available_parallelism().map_or(1, usize::from),
                threads => threads,
            },
            hashing_queue: section.integer("hashing_queue", 0..=100_000)?,
        })
    }
}
