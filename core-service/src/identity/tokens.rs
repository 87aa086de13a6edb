//! What sign-in and refresh answer, in the words of RFC 6749 section 5.1.

use axum::extract::FromRequestParts;
use http::request::Parts;
use http::{HeaderName, header};
use serde::Serialize;
use utoipa::ToSchema;

use super::access_token;
use super::caller::UserSession;
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

impl Tokens {
    /// An access token for `caller`, beside `refresh`.
    pub(super) async fn issue(app: &AppState, caller: UserSession, refresh: &Opaque) -> Result<Self> {
        let config = &app.config.identity;
        let live = app.identity.live(app).await?;
        Ok(Self {
            access_token: access_token::sign(&live, config, caller)?,
            token_type: "Bearer",
            expires_in: config.access_token_life.as_secs(),
            refresh_token: refresh.text(),
            refresh_expires_in: config.refresh_token_life.as_secs(),
        })
    }
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
