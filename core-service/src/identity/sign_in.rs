//! The one way in which a session begins.

use http::HeaderMap;
use serde::Serialize;
use sqlx::PgConnection;
use utoipa::ToSchema;

use super::browser::Mode;
use super::caller::UserSession;
use super::session::{self, Origin};
use super::tokens::Grant;
use super::user::User;
use super::{guesses, mfa};
use crate::app::AppState;
use crate::audit::{self, Action, Event};
use crate::problem::{Problem, Result};

/// Who signed in, and with what.
#[derive(Serialize, ToSchema)]
pub struct SignedIn {
    /// The user.
    user: User,
    /// Their tokens, or what is said of them.
    #[serde(flatten)]
    grant: Grant,
}

/// What comes of a right password, or of a provider's word. Either is to be answered once the transaction has committed.
pub(super) enum Outcome {
    SignedIn(SignedIn),
    /// A second factor is asked for.
    Demanded(Problem),
}

impl SignedIn {
    /// What the answer's head says.
    pub(super) fn headers(&self, app: &AppState) -> Result<HeaderMap> {
        self.grant.headers(app)
    }
}

impl Outcome {
    pub(super) fn answer(self) -> Result<SignedIn> {
        match self {
            Self::SignedIn(signed_in) => Ok(signed_in),
            Self::Demanded(problem) => Err(problem),
        }
    }
}

/// Goes on for somebody whose password was right, or for whom a provider answered. `device` is the token of a device that may be trusted.
pub(super) async fn with_first_factor(
    connection: &mut PgConnection,
    app: &AppState,
    user: User,
    origin: &Origin,
    mode: Mode,
    device: Option<&str>,
) -> Result<Outcome> {
    let factors = mfa::of_user(&mut *connection, user.id).await?;
    if !factors.any() {
        return begin(connection, app, user, origin, mode, false).await.map(Outcome::SignedIn);
    }
    if mfa::devices::is_trusted(&mut *connection, user.id, device).await? {
        return begin(connection, app, user, origin, mode, true).await.map(Outcome::SignedIn);
    }
    mfa::demand(connection, user.id, &factors).await.map(Outcome::Demanded)
}

/// Begins a session for somebody who has given a second factor.
pub(super) async fn with_factor(
    connection: &mut PgConnection,
    app: &AppState,
    user: User,
    origin: &Origin,
    mode: Mode,
) -> Result<SignedIn> {
    begin(connection, app, user, origin, mode, true).await
}

async fn begin(
    connection: &mut PgConnection,
    app: &AppState,
    user: User,
    origin: &Origin,
    mode: Mode,
    mfa: bool,
) -> Result<SignedIn> {
    guesses::remember(connection, app, user.id, origin).await?;
    let life = app.config.identity.session_life();
    let (session, refresh) = session::begin(connection, &app.identity.refresh_key, user.id, origin, life, mfa).await?;
    let caller = UserSession { user: user.id, session, mfa, support: None };
    audit::record(&mut *connection, Event::by(&caller, Action::SessionStarted)).await?;
    let grant = Grant::issue(app, caller, &refresh, mode).await?;
    Ok(SignedIn { user, grant })
}
