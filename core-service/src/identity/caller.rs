//! The authenticated caller, as an extractor: a handler that takes one demands a valid access token.

use axum::extract::FromRequestParts;
use http::request::Parts;
use uuid::Uuid;

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

    async fn from_request_parts(_parts: &mut Parts, _app: &AppState) -> Result<Self> {
        Err(Problem::authentication_required())
    }
}
