//! Log lines, metrics and traces.

use std::net::SocketAddr;

use super::{ConfigError, Section};

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
}

/// Telemetry's settings.
#[derive(Debug, Clone)]
pub struct TelemetryConfig {
    /// How log lines look.
    pub format: LogFormat,
    /// Which are written.
    pub filter: String,
    /// Where metrics are served, if they are.
    pub metrics_listen: Option<SocketAddr>,
    /// The OpenTelemetry collector that is told of requests, if there is one.
    pub traces: Option<http::Uri>,
}

impl TelemetryConfig {
    pub(super) fn read(section: &Section<'_>) -> Result<Self, ConfigError> {
        let format = match section.string("format")? {
            "text" => LogFormat::Text,
            "json" => LogFormat::Json,
            _ => return Err(section.bad("format", "must be text or json")),
        };
        let filter = section.string("filter")?;
        tracing_subscriber::EnvFilter::try_new(filter)
            .map_err(|error| section.bad("filter", format!("`{filter}`: {error}")))?;
        let metrics_listen = section.parse_optional("metrics_listen")?;
        let traces = section.parse_optional("traces")?;
        Ok(Self { format, filter: filter.to_owned(), metrics_listen, traces })
    }
}
