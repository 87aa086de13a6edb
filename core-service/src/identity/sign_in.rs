//! The one way in which a session begins.

use serde::Serialize;
use sqlx::PgConnection;
use utoipa::ToSchema;

use super::caller::UserSession;
use super::session::{self, Origin};
use super::tokens::Tokens;
use super::user::User;
use super::{guesses, mfa};
use crate::app::AppState;
use crate::audit::{self, Action, Event};
use crate::problem::{Problem, Result};

/// Who signed in, and their tokens.
#[derive(Serialize, ToSchema)]
pub struct SignedIn {
    /// The user.
    user: User,
    /// Their tokens.
    #[serde(flatten)]
    tokens: Tokens,
}

/// What comes of a right password, or of a provider's word. Either is to be answered once the transaction has committed.
pub(super) enum Outcome {
    SignedIn(SignedIn),
    /// A second factor is asked for.
    Demanded(Problem),
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
    device: Option<&str>,
) -> Result<Outcome> {
    let factors = mfa::of_user(&mut *connection, user.id).await?;
    if !factors.any() {
        return begin(connection, app, user, origin, false).await.map(Outcome::SignedIn);
    }
    if mfa::devices::is_trusted(&mut *connection, user.id, device).await? {
        return begin(connection, app, user, origin, true).await.map(Outcome::SignedIn);
    }
    mfa::demand(connection, user.id, &factors).await.map(Outcome::Demanded)
}

/// Begins a session for somebody who has given a second factor.
pub(super) async fn with_factor(
    connection: &mut PgConnection,
    app: &AppState,
    user: User,
    origin: &Origin,
) -> Result<SignedIn> {
    begin(connection, app, user, origin, true).await
}

async fn begin(
    connection: &mut PgConnection,
    app: &AppState,
    user: User,
    origin: &Origin,
    mfa: bool,
) -> Result<SignedIn> {
    guesses::remember(connection, app, user.id, origin).await?;
    let life = app.config.identity.session_life();
    let (session, refresh) = session::begin(connection, &app.identity.refresh_key, user.id, origin, life, mfa).await?;
    let caller = UserSession { user: user.id, session, mfa, support: None };
    audit::record(&mut *connection, Event::by(&caller, Action::SessionStarted)).await?;
    let tokens = Tokens::issue(app, caller, &refresh).await?;
    Ok(SignedIn { user, tokens })
}
