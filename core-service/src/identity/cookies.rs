//! Cookies of ours (RFC 6265bis): out of reach of scripts, sent over TLS only, and bound to this host by the prefix `__Host-`.
//! Over http, which the configuration allows on this machine only, browsers take neither: there the names are plain.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::app::AppState;
use crate::problem::{Problem, Result};

/// When browsers send a cookie with requests that another site caused.
#[derive(Debug, Clone, Copy)]
pub(super) enum SameSite {
    /// When the user goes from there to here.
    Lax,
}

/// A cookie.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cookie {
    name: &'static str,
    same_site: SameSite,
}

/// Which browser a sign-in with another provider belongs to. The provider's answer comes from its site, so `Lax`.
pub(super) const FLOW: Cookie = Cookie { name: "breakwater-flow", same_site: SameSite::Lax };

impl Cookie {
    /// The header that sets it for so long.
    pub(super) fn set(self, app: &AppState, value: &str, life: Duration) -> Result<(HeaderName, HeaderValue)> {
        let SameSite::Lax = self.same_site;
        let secure = if is_secure(app) { "; Secure" } else { "" };
        let text = format!(
            "{}={value}; Path=/; Max-Age={}; HttpOnly; SameSite=Lax{secure}",
            self.full_name(app),
            life.as_secs()
        );
        Ok((header::SET_COOKIE, HeaderValue::from_str(&text).map_err(Problem::internal)?))
    }

    /// The header that takes it back.
    pub(super) fn clear(self, app: &AppState) -> Result<(HeaderName, HeaderValue)> {
        self.set(app, "", Duration::ZERO)
    }

    /// Its value in a request. Of two, none: a browser sends one, and who planted the other is not known.
    pub(super) fn read(self, app: &AppState, headers: &HeaderMap) -> Option<String> {
        let name = self.full_name(app);
        let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
        let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let mut values = pairs.filter(|(key, _)| *key == name).map(|(_, value)| value);
        let value = values.next().filter(|value| !value.is_empty())?;
        values.next().is_none().then(|| value.to_owned())
    }

    fn full_name(self, app: &AppState) -> String {
        let prefix = if is_secure(app) { "__Host-" } else { "" };
        format!("{prefix}{}", self.name)
    }
}

fn is_secure(app: &AppState) -> bool {
    app.config.identity.issuer.starts_with("https://")
}
