//! `allowed_outbound_hosts`: which hosts the edge may reach. Everything else is refused, whoever asks.
//!
//! The forms are Spin's: `scheme://host:port`, where the scheme may be `*`, the host `*` or `*.` and a suffix, the port
//! `*`, one number or a range `{8000..9000}`, or left out for the scheme's own.

use std::ops::Range;

use anyhow::{Context as _, Result, bail, ensure};

/// The hosts that may be reached.
#[derive(Debug, Clone, Default)]
pub struct AllowedHosts(Vec<Pattern>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Pattern {
    /// None is any.
    scheme: Option<String>,
    host: Host,
    ports: Range<u32>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Host {
    Any,
    /// With its dot: `.example.com`.
    Below(String),
    Exactly(String),
}

impl AllowedHosts {
    /// Reads the list.
    pub fn parse(patterns: impl IntoIterator<Item = String>) -> Result<Self> {
        let parse = |text: String| {
            Pattern::parse(&text).with_context(|| format!("allowed_outbound_hosts: `{text}` is not understood"))
        };
        // A variable may be a list of addresses: those of several cores.
        let split = |text: String| text.split(',').map(|one| one.trim().to_owned()).collect::<Vec<_>>();
        patterns.into_iter().flat_map(split).map(parse).collect::<Result<_>>().map(Self)
    }

    /// Whether this host may be reached.
    pub fn allows(&self, scheme: &str, host: &str, port: u16) -> bool {
        self.0.iter().any(|pattern| pattern.allows(scheme, &host.to_ascii_lowercase(), port))
    }
}

/// The port that a scheme means when none is said.
pub fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" => Some(80),
        "https" => Some(443),
        "redis" | "rediss" => Some(6379),
        _ => None,
    }
}

impl Pattern {
    fn parse(text: &str) -> Result<Self> {
        let (scheme, authority) = text.split_once("://").context("it has no scheme")?;
        let scheme = (scheme != "*").then(|| scheme.to_ascii_lowercase());
        let authority = authority.strip_suffix('/').unwrap_or(authority);
        let (host, port) = match authority.rsplit_once(':') {
            // The colon of an IPv6 address is not that of a port.
            Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
            _ => (authority, None),
        };
        ensure!(
            !host.is_empty() && !host.trim_start_matches('*').contains(['/', '@', '?', '#', ' ', '*']),
            "it has no host alone"
        );
        let host = match host.strip_prefix('*') {
            None => Host::Exactly(host.to_ascii_lowercase()),
            Some("") => Host::Any,
            Some(suffix) if suffix.starts_with('.') => Host::Below(suffix.to_ascii_lowercase()),
            Some(_) => bail!("a star stands for whole labels"),
        };
        let ports = match port {
            Some("*") => 0..65536,
            Some(port) => match port.strip_prefix('{').and_then(|port| port.strip_suffix('}')) {
                Some(range) => {
                    let (from, to) = range.split_once("..").context("a range is `{from..to}`")?;
                    from.parse::<u16>()?.into()..to.parse::<u16>()?.into()
                }
                None => one(port.parse()?),
            },
            None => one(scheme.as_deref().and_then(default_port).context("it has no port")?),
        };
        Ok(Self { scheme, host, ports })
    }

    fn allows(&self, scheme: &str, host: &str, port: u16) -> bool {
        let host_fits = match &self.host {
            Host::Any => true,
            Host::Below(suffix) => host.len() > suffix.len() && host.ends_with(suffix.as_str()),
            Host::Exactly(exact) => exact == host,
        };
        host_fits && self.scheme.as_ref().is_none_or(|own| own == scheme) && self.ports.contains(&port.into())
    }
}

fn one(port: u16) -> Range<u32> {
    u32::from(port)..u32::from(port) + 1
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn patterns() {
        #[rustfmt::skip]
        let cases = [
            ("http://127.0.0.1:3001", "http", "127.0.0.1", 3001, true),
            ("http://127.0.0.1:3001", "http", "127.0.0.1", 3002, false),
            ("http://127.0.0.1:3001", "https", "127.0.0.1", 3001, false),
            ("http://127.0.0.1:3001", "http", "127.0.0.10", 3001, false),
            ("https://a.example", "https", "A.example", 443, true),
            ("https://a.example", "https", "a.example", 8443, false),
            ("https://a.example/", "https", "a.example", 443, true),
            ("https://*.example", "https", "b.a.example", 443, true),
            ("https://*.example", "https", "example", 443, false),
            ("https://*.example", "https", "badexample", 443, false),
            ("*://a.example:*", "redis", "a.example", 1, true),
            ("http://a.example:{80..90}", "http", "a.example", 89, true),
            ("http://a.example:{80..90}", "http", "a.example", 90, false),
            ("redis://[::1]", "redis", "[::1]", 6379, true),
            ("http://[::1]:8080", "http", "[::1]", 8080, true),
            ("http://*:80", "http", "anything", 80, true),
        ];
        for (pattern, scheme, host, port, allowed) in cases {
            let hosts = AllowedHosts::parse([pattern.to_owned()]).unwrap();
            assert_eq!(hosts.allows(scheme, host, port), allowed, "{pattern} {scheme}://{host}:{port}");
        }
    }

    #[test]
    fn refuses_what_it_does_not_understand() {
        for bad in
            ["a.example", "http://", "*://a.example", "http://a*.example", "http://a/b", "http://u@a", "http://a:x"]
        {
            assert!(AllowedHosts::parse([bad.to_owned()]).is_err(), "{bad}");
        }
        assert!(!AllowedHosts::default().allows("http", "127.0.0.1", 80));
    }
}
