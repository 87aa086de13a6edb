//! The listener.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::{ConfigError, Section};

/// The listener's settings.
#[derive(Debug, Clone)]
pub struct HttpConfig {
    /// The private address that edges talk to.
    pub listen: SocketAddr,
    /// Present when the listener speaks TLS.
    pub tls: Option<TlsFiles>,
    /// The largest request body.
    pub max_body_bytes: usize,
    /// The longest a request may take.
    pub request_timeout: Duration,
    /// How long a stopping service lets requests finish.
    pub shutdown_grace: Duration,
}

/// A certificate chain and its key, as PEM files.
#[derive(Debug, Clone)]
pub struct TlsFiles {
    /// The certificate chain.
    pub cert: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

impl HttpConfig {
    pub(super) fn read(section: &Section<'_>) -> Result<Self, ConfigError> {
        let tls = match (section.optional("tls_cert")?, section.optional("tls_key")?) {
            (Some(cert), Some(key)) => Some(TlsFiles { cert: cert.into(), key: key.into() }),
            (None, None) => None,
            (Some(_), None) => return Err(section.bad("tls_key", "must be set when tls_cert is")),
            (None, Some(_)) => return Err(section.bad("tls_cert", "must be set when tls_key is")),
        };
        Ok(Self {
            listen: section.parse("listen")?,
            tls,
            max_body_bytes: section.integer("max_body_bytes", 1024..=104_857_600)?,
            request_timeout: section.seconds("request_timeout_seconds", 1..=600)?,
            shutdown_grace: section.seconds("shutdown_grace_seconds", 0..=600)?,
        })
    }
}
