//! Cookies of ours (RFC 6265bis): out of reach of scripts, sent over TLS only, and bound to this host by the prefix `__Host-`.
//! Over http, which the configuration allows on this machine only, browsers take neither: there the names are plain.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::app::AppState;
use crate::config::Config;
use crate::problem::{Problem, Result};

/// When browsers send a cookie with requests that another site caused.
#[derive(Debug, Clone, Copy)]
enum SameSite {
    /// When the user goes from there to here.
    Lax,
    /// Never.
    Strict,
}

/// A cookie.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cookie {
    name: &'static str,
    same_site: SameSite,
    /// Whether scripts see it.
    http_only: bool,
}

/// Which browser a sign-in with another provider belongs to. The provider's answer comes from its site, so `Lax`.
pub(super) const FLOW: Cookie = Cookie { name: "breakwater-flow", same_site: SameSite::Lax, http_only: true };

/// A session's access token.
pub(crate) const ACCESS: Cookie = Cookie { name: "breakwater-access", same_site: SameSite::Strict, http_only: true };
/// A session's refresh token.
pub(crate) const REFRESH: Cookie = Cookie { name: "breakwater-refresh", same_site: SameSite::Strict, http_only: true };
/// What a page has to show besides, for the page to read: no other site's can, and alone it is good for nothing.
pub(super) const CSRF: Cookie = Cookie { name: "breakwater-csrf", same_site: SameSite::Strict, http_only: false };
/// A device that is trusted, so that no second factor is asked for.
pub(super) const DEVICE: Cookie = Cookie { name: "breakwater-device", same_site: SameSite::Strict, http_only: true };

impl Cookie {
    /// The header that sets it for so long.
    pub(super) fn set(self, app: &AppState, value: &str, life: Duration) -> Result<(HeaderName, HeaderValue)> {
        let secure = if is_secure(&app.config) { "; Secure" } else { "" };
        let http_only = if self.http_only { "; HttpOnly" } else { "" };
        let text = format!(
            "{}={value}; Path=/; Max-Age={}{http_only}; SameSite={:?}{secure}",
            self.full_name(&app.config),
            life.as_secs(),
            self.same_site,
        );
        Ok((header::SET_COOKIE, HeaderValue::from_str(&text).map_err(Problem::internal)?))
    }

    /// The header that takes it back.
    pub(super) fn clear(self, app: &AppState) -> Result<(HeaderName, HeaderValue)> {
        self.set(app, "", Duration::ZERO)
    }

    /// Its value in a request. Of two, none: a browser sends one, and who planted the other is not known.
    pub(super) fn read(self, app: &AppState, headers: &HeaderMap) -> Option<String> {
        let name = self.full_name(&app.config);
        let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
        let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let mut values = pairs.filter(|(key, _)| *key == name).map(|(_, value)| value);
        let value = values.next().filter(|value| !value.is_empty())?;
        values.next().is_none().then(|| value.to_owned())
    }

    /// Its name, with the prefix.
    pub(crate) fn full_name(self, config: &Config) -> String {
        let prefix = if is_secure(config) { "__Host-" } else { "" };
        format!("{prefix}{}", self.name)
    }
}

fn is_secure(config: &Config) -> bool {
    config.identity.issuer.starts_with("https://")
}
