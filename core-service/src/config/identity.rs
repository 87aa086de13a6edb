//! Tokens, keys and password hashing.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use url::Url;

use super::{ConfigError, GuessLimits, ProviderConfig, Secret, Section, is_safe};
use crate::identity::session::Life;

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

/// When a registered address has to be shown to be its owner's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmailVerification {
    /// Before there is an account.
    Required,
    /// At any time.
    Optional,
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
    /// How long a session lives at the most.
    pub session_longest: Duration,
    /// How long the parent of a refresh token gets the same child again.
    pub refresh_grace: Duration,
    /// How much clocks may differ.
    pub leeway: Duration,
    /// How often the signing key is replaced; `None` means by command only.
    pub key_rotation: Option<Duration>,
    /// The secret that refresh tokens and other keys are derived from; the master key as well, if no other is configured.
    pub secret_key: Option<Secret>,
    /// When an address has to be verified.
    pub email_verification: EmailVerification,
    /// How long a code lives that verifies an address.
    pub verification_life: Duration,
    /// How long a code lives that resets a password.
    pub reset_life: Duration,
    /// How long a proof of who is asking is good for what is sensitive.
    pub step_up_life: Duration,
    /// How long a device that was trusted is not asked for a second factor.
    pub trusted_device_life: Duration,
    /// How long an API key lives at the most.
    pub api_key_life: Duration,
    /// The domain that passkeys belong to; `None` is that of the app.
    pub passkey_domain: Option<String>,
    /// Where pages may use passkeys; empty is the app's origin.
    pub passkey_origins: Vec<String>,
    /// Who else may say who somebody is.
    pub providers: Vec<ProviderConfig>,
    /// Pages of the app that somebody may come back to from a provider; empty is the app's address.
    pub return_urls: Vec<String>,
    /// Origins whose pages may be signed in by cookies; empty is the app's.
    pub browser_origins: Vec<String>,
    /// How many guesses are allowed.
    pub guesses: GuessLimits,
    /// A filter of passwords that were in breaches.
    pub breached_passwords: Option<PathBuf>,
    /// The memory that hashing a password takes.
    pub hashing_memory_kib: u32,
    /// How often it goes over that memory.
    pub hashing_passes: u32,
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
            session_longest: Duration::from_secs(section.integer::<u64>("session_days", 1..=3650)? * DAY),
            refresh_grace: section.seconds("refresh_grace_seconds", 0..=300)?,
            leeway: section.seconds("leeway_seconds", 0..=300)?,
            key_rotation: Some(section.integer::<u64>("key_rotation_days", 0..=3650)?)
                .filter(|days| *days > 0)
                .map(|days| Duration::from_secs(days * DAY)),
            secret_key: section.secret("secret_key")?,
            email_verification: match section.string("email_verification")? {
                "required" => EmailVerification::Required,
                "optional" => EmailVerification::Optional,
                _ => return Err(section.bad("email_verification", "must be required or optional")),
            },
            verification_life: Duration::from_secs(section.integer::<u64>("verification_hours", 1..=720)? * 3600),
            reset_life: Duration::from_secs(section.integer::<u64>("reset_minutes", 1..=1440)? * 60),
            step_up_life: section.seconds("step_up_seconds", 1..=86_400)?,
            trusted_device_life: Duration::from_secs(section.integer::<u64>("trusted_device_days", 1..=365)? * DAY),
            api_key_life: Duration::from_secs(section.integer::<u64>("api_key_days", 1..=3650)? * DAY),
            passkey_domain: section.optional("passkey_domain")?.map(str::to_owned),
            passkey_origins: section.list("passkey_origins")?,
            providers: ProviderConfig::read_all(&section.section("providers")?)?,
            return_urls: return_urls(section)?,
            browser_origins: browser_origins(section)?,
            guesses: GuessLimits::read(&section.section("guesses")?)?,
            breached_passwords: section.optional("breached_passwords_file")?.map(PathBuf::from),
            hashing_memory_kib: section.integer("hashing_memory_kib", 64..=4_194_304)?,
            hashing_passes: section.integer("hashing_passes", 1..=1000)?,
            hashing_threads: match threads {
                0 => std::thread::available_parallelism().map_or(1, usize::from),
                threads => threads,
            },
            hashing_queue: section.integer("hashing_queue", 0..=100_000)?,
        })
    }

    /// How long sessions live.
    pub(crate) fn session_life(&self) -> Life {
        Life { idle: self.refresh_token_life, longest: self.session_longest }
    }
}

/// To the letter what browsers send, so that they can be compared.
fn browser_origins(section: &Section<'_>) -> Result<Vec<String>, ConfigError> {
    let origins = section.list("browser_origins")?;
    let is_origin = |text: &str| Url::parse(text).is_ok_and(|url| url.origin().ascii_serialization() == text);
    match origins.iter().find(|origin| !is_safe(origin) || !is_origin(origin)) {
        Some(origin) => {
            Err(section.bad("browser_origins", format!("`{origin}` must be an origin such as https://app.example.com")))
        }
        None => Ok(origins),
    }
}

fn return_urls(section: &Section<'_>) -> Result<Vec<String>, ConfigError> {
    let urls = section.list("return_urls")?;
    match urls.iter().find(|url| !is_safe(url) || url.contains('#')) {
        Some(url) => Err(section.bad("return_urls", format!("`{url}` must be an https:// URL without a fragment"))),
        None => Ok(urls),
    }
}
