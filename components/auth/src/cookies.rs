//! Access tokens in a cookie (docs/decisions/0026). A browser sends cookies by itself, whoever made it ask. So what changes
//! something has to show besides that one of our own pages asked: by `Origin` and `Sec-Fetch-Site` (Fetch, section 3.1;
//! Fetch Metadata, section 2), which no script can forge, and by a token that only a page that signed in knows. The access
//! token holds that token's hash, so that nothing has to be kept here.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use breakwater_kit::headers;
use breakwater_kit::types::{Field, Presented, Site};
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// The request headers that are looked at.
pub const READS: [&str; 5] = ["cookie", "origin", "sec-fetch-site", "sec-websocket-key", "x-csrf-token"];

/// The part `cookies` of the section.
#[derive(PartialEq, Deserialize)]
pub struct Cookies {
    /// The name of the cookie that holds the access token.
    pub access: String,
    /// Whose access tokens may come in it.
    issuer: String,
    /// Origins whose pages may use it, besides the edge's own.
    origins: Vec<String>,
}

/// What a request is, seen from a site that would like to make others' browsers send it.
enum Asks {
    /// To read; who may see the answer is for the browser to say (CORS).
    Read,
    /// For a connection that lasts, which CORS does not guard: a WebSocket's handshake (RFC 6455, section 10.2).
    Connection,
    /// For a change.
    Change,
}

impl Asks {
    /// RFC 9110, section 9.2.1.
    fn of(site: &Site, fields: &[Field]) -> Self {
        let handshake = headers::has(fields, "sec-websocket-key");
        match site.method.as_str() {
            "GET" if handshake => Self::Connection,
            "GET" | "HEAD" | "OPTIONS" => Self::Read,
            _ => Self::Change,
        }
    }
}

impl Cookies {
    /// Whether the page that made the browser ask may ask this.
    pub fn may_ask(&self, presented: &Presented) -> bool {
        let Some(site) = &presented.site else { return false };
        matches!(Asks::of(site, &presented.headers), Asks::Read) || self.is_own_page(site, &presented.headers)
    }

    /// Whether the request shows the token whose hash the access token holds, if it has to.
    pub fn shows(&self, presented: &Presented, hash: &str) -> bool {
        let Some(site) = &presented.site else { return false };
        if !matches!(Asks::of(site, &presented.headers), Asks::Change) {
            return true;
        }
        // What is compared are hashes: how far they agree tells nothing of the token.
        only(&presented.headers, "x-csrf-token")
            .is_some_and(|token| URL_SAFE_NO_PAD.encode(Sha256::digest(token)) == hash)
    }

    /// The hash in a token's claims, if it is a token for cookies.
    pub fn hash<'a>(&self, issuer: &str, claims: &'a Value) -> Option<&'a str> {
        claims.get("csrf").filter(|_| self.issuer == issuer).map(|hash| hash.as_str().unwrap_or_default())
    }

    fn is_own_page(&self, site: &Site, fields: &[Field]) -> bool {
        // `null` is on no list. A browser that says nothing is none that we know.
        let Some(origin) = only(fields, "origin").and_then(|origin| std::str::from_utf8(origin).ok()) else {
            return false;
        };
        let listed = self.origins.iter().any(|one| one == origin);
        let own = origin.strip_prefix(site.scheme.as_str()).and_then(|rest| rest.strip_prefix("://"));
        let own = own.is_some_and(|authority| authority.eq_ignore_ascii_case(&site.authority));
        match headers::has(fields, "sec-fetch-site").then(|| only(fields, "sec-fetch-site")) {
            // Browsers before 2023.
            None => own || listed,
            Some(Some(b"same-origin")) => own || listed,
            Some(Some(b"same-site" | b"cross-site")) => listed,
            Some(_) => false,
        }
    }
}

/// The value of a header that is there once.
fn only<'a>(fields: &'a [Field], name: &'a str) -> Option<&'a [u8]> {
    let mut values = headers::values(fields, name);
    values.next().filter(|_| values.next().is_none())
}
