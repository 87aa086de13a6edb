//! Where an upstream is: scheme, host and port.

use std::fmt;
use std::str::FromStr;

use http::HeaderValue;

/// Scheme, host and port of an upstream.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Origin {
    tls: bool,
    host: String,
    port: u16,
    /// For `Host`.
    authority: HeaderValue,
}

/// A text that is no origin. It is not shown: it may be someone's secret in the wrong place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an origin such as http://host:port")]
pub struct NoOrigin;

impl FromStr for Origin {
    type Err = NoOrigin;

    fn from_str(text: &str) -> Result<Self, NoOrigin> {
        let uri: http::Uri = text.parse().map_err(|_| NoOrigin)?;
        let tls = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(NoOrigin),
        };
        let authority = uri.authority().ok_or(NoOrigin)?;
        let plain = matches!(uri.path(), "" | "/") && uri.query().is_none() && !authority.as_str().contains('@');
        if !plain || authority.host().is_empty() {
            return Err(NoOrigin);
        }
        Ok(Self {
            tls,
            host: authority.host().to_ascii_lowercase(),
            port: authority.port_u16().unwrap_or(if tls { 443 } else { 80 }),
            authority: HeaderValue::from_str(authority.as_str()).map_err(|_| NoOrigin)?,
        })
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}://{}:{}", self.scheme(), self.host, self.port)
    }
}

impl Origin {
    /// `http` or `https`.
    pub fn scheme(&self) -> &'static str {
        if self.tls { "https" } else { "http" }
    }

    /// Whether it is asked over TLS.
    pub fn is_tls(&self) -> bool {
        self.tls
    }

    /// Name or address; an IPv6 address stands in brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Never 0 by default.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What `Host` says.
    pub fn authority(&self) -> &HeaderValue {
        &self.authority
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn origins() {
        let origin: Origin = "https://Core.internal".parse().unwrap();
        assert_eq!((origin.scheme(), origin.host(), origin.port()), ("https", "core.internal", 443));
        let origin: Origin = "http://[::1]:3001/".parse().unwrap();
        assert_eq!((origin.host(), origin.port(), origin.authority().to_str().unwrap()), ("[::1]", 3001, "[::1]:3001"));
        for bad in ["", "core", "ftp://core", "http://", "http://core/path", "http://core/?q", "http://me:x@core"] {
            assert_eq!(bad.parse::<Origin>(), Err(NoOrigin), "{bad}");
        }
    }
}
