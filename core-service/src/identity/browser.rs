//! How a client keeps what it is signed in with: tokens in its own hands, or cookies that no script can read
//! (docs/decisions/0026). It says which in `X-Session-Mode`, at every way of signing in and at a refresh.
//!
//! A browser sends cookies by itself, whoever made it ask. So what changes something has to come from a page of ours, by
//! `Origin` and `Sec-Fetch-Site`, which no script can forge, and has to show the session's token in `X-CSRF-Token`. The
//! edge's policy asks for the same; it is asked here again because an edge is never trusted with who is calling, and
//! because the edge does not look at the cookie of a refresh.

use axum::extract::FromRequestParts;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::request::Parts;
use http::{HeaderMap, HeaderName, Method, header};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use url::Url;
use utoipa::IntoParams;
use uuid::Uuid;

use super::cookies;
use crate::app::AppState;
use crate::config::Config;
use crate::http::header as one_header;
use crate::problem::{Problem, Result, kinds};
use crate::vault::mac;

const MODE: HeaderName = HeaderName::from_static("x-session-mode");
const TOKEN: HeaderName = HeaderName::from_static("x-csrf-token");
const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// What the edge says of the address that the client asked it at. Clients cannot: the edge removes theirs.
const ASKED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const ASKED_SCHEME: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// How a client keeps what it is signed in with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// It is given tokens.
    Bearer,
    /// Its browser is given cookies. Only pages of ours may have that: otherwise another site could sign a browser in as
    /// somebody of its choice (login CSRF).
    Cookies,
}

/// How a client says it, for the OpenAPI document.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[allow(dead_code, reason = "it only describes")]
pub(super) struct ModeHeader {
    /// `cookie` for a browser's page: the tokens come in cookies that no script can read. Not said, or `bearer`: in the body.
    #[param(rename = "X-Session-Mode", nullable = false, pattern = "^(bearer|cookie)$")]
    mode: Option<String>,
}

impl FromRequestParts<AppState> for Mode {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self> {
        match one_header(parts, &MODE)? {
            None | Some("bearer") => Ok(Self::Bearer),
            Some("cookie") if is_own_page(&app.config, &parts.headers) => Ok(Self::Cookies),
            Some("cookie") => Err(Problem::cross_site_request()),
            Some(_) => Err(Problem::bad_request("X-Session-Mode must be bearer or cookie.")),
        }
    }
}

impl Mode {
    /// The token of a device that may be trusted: what the body says, or a cookie.
    pub(super) fn device(self, app: &AppState, headers: &HeaderMap, said: Option<String>) -> Option<String> {
        match self {
            Self::Bearer => said,
            Self::Cookies => said.or_else(|| cookies::DEVICE.read(app, headers)),
        }
    }
}

impl Problem {
    /// 403 for cookies that may have been sent on another site's behalf.
    fn cross_site_request() -> Self {
        Self::new(&kinds::CROSS_SITE_REQUEST).detail(
            "With cookies, send what changes something from a page of this site or of one of `identity.browser_origins`, \
             with the session's token in X-CSRF-Token.",
        )
    }
}

/// What requests with the cookies of a session have to show: nothing that is a secret to keep, but that no other site knows.
/// It is the same as long as the session lives.
pub(super) fn csrf_token(app: &AppState, session: Uuid) -> String {
    URL_SAFE_NO_PAD.encode(mac(&app.identity.csrf_key, &[session.as_bytes()]))
}

/// As the access token holds it: whoever verifies that can check this, and nobody can make it of that.
pub(super) fn hash(csrf_token: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(csrf_token))
}

/// Refuses a request by cookie that changes something and does not show that a page of ours made it. `hashed` is of the
/// session's token.
pub(super) fn admit(app: &AppState, parts: &Parts, hashed: &str) -> Result<()> {
    // RFC 9110 section 9.2.1. Who may see an answer is for the browser to say (CORS).
    if [Method::GET, Method::HEAD, Method::OPTIONS].contains(&parts.method) {
        return Ok(());
    }
    let shown = one_header(parts, &TOKEN)?.map(hash).unwrap_or_default();
    let fits = bool::from(shown.as_bytes().ct_eq(hashed.as_bytes()));
    if fits && is_own_page(&app.config, &parts.headers) { Ok(()) } else { Err(Problem::cross_site_request()) }
}

/// The origins whose pages may use cookies: the app's, and that of the edge by its public name.
pub(crate) fn origins(config: &Config) -> Vec<String> {
    let origin = |url: &Url| url.origin().ascii_serialization();
    let mut origins = config.identity.browser_origins.clone();
    if origins.is_empty() {
        origins.extend(config.mail.app_url.iter().map(origin));
    }
    origins.extend(Url::parse(&config.identity.issuer).iter().map(origin));
    origins.sort_unstable();
    origins.dedup();
    origins
}

/// Whether one of our own pages made the browser ask: by `Origin` (Fetch, section 3.1) and, where the browser sends it, by
/// `Sec-Fetch-Site` (Fetch Metadata, section 2).
fn is_own_page(config: &Config, headers: &HeaderMap) -> bool {
    // `null` is on no list. A browser that says nothing is none that we know.
    let Some(origin) = only(headers, &header::ORIGIN) else { return false };
    let listed = origins(config).iter().any(|one| one == origin);
    let asked = only(headers, &ASKED_SCHEME).zip(only(headers, &ASKED_HOST));
    let own = asked.is_some_and(|(scheme, host)| origin.eq_ignore_ascii_case(&format!("{scheme}://{host}")));
    match headers.contains_key(&SITE).then(|| only(headers, &SITE)) {
        // Browsers before 2023.
        None => own || listed,
        Some(Some("same-origin")) => own || listed,
        Some(Some("same-site" | "cross-site")) => listed,
        Some(_) => false,
    }
}

/// The value of a header that is there once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    values.next().filter(|_| values.next().is_none())?.to_str().ok()
}
