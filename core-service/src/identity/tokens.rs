//! What sign-in and refresh answer, in the words of RFC 6749 section 5.1.

use axum::extract::FromRequestParts;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use serde::Serialize;
use utoipa::ToSchema;

use super::access_token;
use super::browser::{self, Mode};
use super::caller::UserSession;
use super::cookies;
use super::opaque::Opaque;
use super::session::Origin;
use crate::app::AppState;
use crate::edge::link::FORWARDED_FOR;
use crate::mail::template;
use crate::problem::Result;

/// Answers with tokens are never kept: RFC 6749 section 5.1.
pub(super) const NO_STORE: [(HeaderName, &str); 1] = [(header::CACHE_CONTROL, "no-store")];

/// Tokens.
#[derive(Serialize, ToSchema)]
pub struct Tokens {
    /// Send it as `Authorization: Bearer …`.
    access_token: String,
    /// Always `Bearer`.
    #[schema(example = "Bearer")]
    token_type: &'static str,
    /// Seconds until the access token expires.
    expires_in: u64,
    /// Exchange it, once, at auth/refresh for the next pair.
    refresh_token: String,
    /// Seconds until the refresh token expires.
    refresh_expires_in: u64,
}

/// What is said of a session whose tokens are in cookies.
#[derive(Serialize, ToSchema)]
pub struct CookieSession {
    /// Send it as `X-CSRF-Token` with whatever is no GET or HEAD. It is the same as long as the session lives.
    csrf_token: String,
    /// Seconds until the access token expires.
    expires_in: u64,
    /// Seconds until the refresh token expires.
    refresh_expires_in: u64,
    #[serde(skip)]
    access_token: String,
    #[serde(skip)]
    refresh_token: String,
}

/// What a client is signed in with: tokens in the answer, or in cookies.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub enum Grant {
    /// `X-Session-Mode: bearer`, or nothing said.
    Bearer(Tokens),
    /// `X-Session-Mode: cookie`.
    Cookies(CookieSession),
}

impl Tokens {
    /// An access token for `caller`, beside `refresh`.
    pub(super) async fn issue(app: &AppState, caller: UserSession, refresh: &Opaque) -> Result<Self> {
        let config = &app.config.identity;
        let live = app.identity.live(app).await?;
        Ok(Self {
            access_token: access_token::sign(&live, config, caller, None)?,
            token_type: "Bearer",
            expires_in: config.access_token_life.as_secs(),
            refresh_token: refresh.text(),
            refresh_expires_in: config.refresh_token_life.as_secs(),
        })
    }
}

impl Grant {
    /// The same, for a client that keeps it like this.
    pub(super) async fn issue(app: &AppState, caller: UserSession, refresh: &Opaque, mode: Mode) -> Result<Self> {
        if mode == Mode::Bearer {
            return Tokens::issue(app, caller, refresh).await.map(Self::Bearer);
        }
        let config = &app.config.identity;
        let live = app.identity.live(app).await?;
        let csrf_token = browser::csrf_token(app, caller.session);
        Ok(Self::Cookies(CookieSession {
            access_token: access_token::sign(&live, config, caller, Some(browser::hash(&csrf_token)))?,
            csrf_token,
            expires_in: config.access_token_life.as_secs(),
            refresh_token: refresh.text(),
            refresh_expires_in: config.refresh_token_life.as_secs(),
        }))
    }

    /// What the answer's head says: that it is not to be kept, and the cookies.
    pub(super) fn headers(&self, app: &AppState) -> Result<HeaderMap> {
        let mut headers: HeaderMap =
            NO_STORE.map(|(name, value)| (name, HeaderValue::from_static(value))).into_iter().collect();
        if let Self::Cookies(session) = self {
            let config = &app.config.identity;
            for (cookie, value, life) in [
                (cookies::ACCESS, &session.access_token, config.access_token_life),
                (cookies::REFRESH, &session.refresh_token, config.refresh_token_life),
                (cookies::CSRF, &session.csrf_token, config.refresh_token_life),
            ] {
                let (name, value) = cookie.set(app, value, life)?;
                headers.append(name, value);
            }
        }
        Ok(headers)
    }
}

/// The headers that take a session's cookies back from who sent some.
pub(super) fn cleared(app: &AppState, sent: &HeaderMap) -> Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    if [cookies::ACCESS, cookies::REFRESH].iter().any(|cookie| cookie.read(app, sent).is_some()) {
        for cookie in [cookies::ACCESS, cookies::REFRESH, cookies::CSRF] {
            let (name, value) = cookie.clear(app)?;
            headers.append(name, value);
        }
    }
    Ok(headers)
}

impl<S: Send + Sync> FromRequestParts<S> for Origin {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> std::result::Result<Self, Self::Rejection> {
        Ok(Self {
            user_agent: text(parts, &header::USER_AGENT, 512).map(str::to_owned),
            address: Self::address(parts).map(str::to_owned),
            language: template::language(text(parts, &header::ACCEPT_LANGUAGE, 512)),
        })
    }
}

impl Origin {
    /// The client's address, as the edge saw it.
    pub(super) fn address(parts: &Parts) -> Option<&str> {
        text(parts, &FORWARDED_FOR, 64)
    }
}

fn text<'a>(parts: &'a Parts, name: &HeaderName, longest: usize) -> Option<&'a str> {
    let value = parts.headers.get(name)?.to_str().ok()?;
    // ASCII, so that any place to cut is good.
    value.get(..longest.min(value.len())).filter(|text| !text.is_empty())
}
