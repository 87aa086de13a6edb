//! The authenticated caller, as an extractor: a handler that takes one demands a valid access token.

use axum::extract::FromRequestParts;
use http::header;
use http::request::Parts;
use uuid::Uuid;

use super::access_token;
use crate::app::AppState;
use crate::database::Scope;
use crate::problem::{Problem, Result};

/// A user with a living session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller {
    /// The user, `sub`.
    pub user: Uuid,
    /// The session, `sid`.
    pub session: Uuid,
}

impl Caller {
    /// What the database lets this caller see.
    pub fn scope(&self) -> Scope {
        Scope::user(self.user)
    }
}

impl FromRequestParts<AppState> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self> {
        let mut values = parts.headers.get_all(header::AUTHORIZATION).iter();
        let value = values.next().ok_or_else(Problem::authentication_required)?;
        if values.next().is_some() {
            return Err(Problem::bad_request("There must be one Authorization header."));
        }
        // The scheme is compared without regard to case (RFC 9110 section 11.1).
        let token = value
            .to_str()
            .ok()
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim())
            .ok_or_else(Problem::authentication_required)?;
        let live = app.identity.live(app).await?;
        access_token::verify(&live, token).ok_or_else(Problem::invalid_token)
    }
}
