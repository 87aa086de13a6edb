//! What the command line says. What the edge is wired to stands in the manifest, not here.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};

/// Runs the edge that a Spin manifest describes, natively.
#[derive(Debug, Clone, Parser)]
#[command(version, about)]
pub struct Options {
    /// The manifest. Its variables come from the environment, as `SPIN_VARIABLE_CORE_URL` and so on.
    #[arg(long, default_value = "spin.toml")]
    pub manifest: PathBuf,

    /// Where to listen.
    #[arg(long, env = "EDGE_LISTEN", default_value = "127.0.0.1:3000")]
    pub listen: SocketAddr,

    /// Where `GET /metrics` is answered, for Prometheus: an address of the private network. Nothing is counted without.
    #[arg(long, env = "EDGE_ADMIN_LISTEN")]
    pub admin_listen: Option<SocketAddr>,

    /// Threads that serve; as many as there are processors if not said.
    #[arg(long, env = "EDGE_WORKERS")]
    pub workers: Option<usize>,

    /// Certificate chain in PEM; with it, the edge speaks TLS.
    #[arg(long, env = "EDGE_TLS_CERT", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,

    /// The certificate's private key in PEM.
    #[arg(long, env = "EDGE_TLS_KEY", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,

    /// Certificates in PEM of the authorities whose clients are known by their own certificate.
    #[arg(long, env = "EDGE_CLIENT_CA", requires = "tls_cert")]
    pub client_ca: Option<PathBuf>,

    /// Whether a connection without such a certificate is refused.
    #[arg(long, env = "EDGE_CLIENT_AUTH", value_enum, default_value_t = ClientAuth::Optional)]
    pub client_auth: ClientAuth,

    /// Certificates in PEM that upstreams with https:// are trusted by.
    #[arg(long, env = "EDGE_UPSTREAM_CA")]
    pub upstream_ca: Option<PathBuf>,

    /// Folder for compiled policies, so that the next start is quick.
    #[arg(long, env = "EDGE_CACHE")]
    pub cache: Option<PathBuf>,

    /// Where cached responses and allowances are remembered.
    #[arg(long, env = "EDGE_STATE", value_enum, default_value_t = StateKind::Memory)]
    pub state: StateKind,

    /// Bytes of cached responses that are remembered in memory.
    #[arg(long, env = "EDGE_STATE_BYTES", default_value_t = 32 * 1024 * 1024)]
    pub state_bytes: usize,

    /// Seconds that a client may take for a request's headers, and that an idle connection is kept.
    #[arg(long, env = "EDGE_HEADER_TIMEOUT", default_value = "30", value_parser = seconds)]
    pub header_timeout: Duration,

    /// Seconds that a client may take nothing of an answer.
    #[arg(long, env = "EDGE_WRITE_TIMEOUT", default_value = "60", value_parser = seconds)]
    pub write_timeout: Duration,

    /// Seconds that accepted requests have to finish when the edge is told to stop.
    #[arg(long, env = "EDGE_SHUTDOWN_TIMEOUT", default_value = "30", value_parser = seconds)]
    pub shutdown_timeout: Duration,

    /// An OpenTelemetry collector that is told of requests over OTLP/HTTP, such as http://127.0.0.1:4318.
    #[arg(long, env = "OTEL_EXPORTER_OTLP_ENDPOINT", value_name = "URL")]
    pub traces: Option<http::Uri>,

    /// The share of requests that it is told of, from 0 to 1.
    #[arg(long, env = "OTEL_TRACES_SAMPLER_ARG", default_value = "0.01", value_parser = share)]
    pub traces_share: f64,

    /// How log lines look.
    #[arg(long, env = "EDGE_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
}

/// See [`Options::state`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum StateKind {
    /// In this process.
    Memory,
    /// In Redis, shared with other edges: the manifest's variable `redis_url`.
    Redis,
}

/// See [`Options::client_auth`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ClientAuth {
    /// A client may do without, and is then known by what its requests say, or not.
    Optional,
    /// Every connection shows a certificate.
    Required,
}

/// See [`Options::log_format`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse::<f64>().map_err(|error| error.to_string())?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

fn share(text: &str) -> Result<f64, String> {
    let share = text.parse::<f64>().map_err(|error| error.to_string())?;
    if (0.0..=1.0).contains(&share) { Ok(share) } else { Err("must be from 0 to 1".to_owned()) }
}
