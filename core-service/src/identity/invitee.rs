//! Whoever is invited somewhere by mail, as far as identity knows them.

use http::{HeaderMap, header};
use uuid::Uuid;

use super::caller::Caller;
use super::guesses;
use crate::app::AppState;
use crate::database::Scope;
use crate::mail::template;
use crate::problem::Result;

/// Somebody to be invited. Nothing of this is for the caller to know.
pub(crate) struct Invitee {
    /// Their account, if they have one.
    pub(crate) user: Option<Uuid>,
    /// Their language, or else that of who invites.
    pub(crate) language: String,
    /// False if their mailbox got many invitations within the hour.
    pub(crate) may_be_written_to: bool,
}

impl Invitee {
    /// Who has this address, which must be normalised. 429 if the caller invites very often.
    pub(crate) async fn find(app: &AppState, caller: &Caller, email: &str, headers: &HeaderMap) -> Result<Self> {
        let mut tx = app.database.begin(&Scope::identity()).await?;
        guesses::invite(&mut tx, app, caller.user).await?;
        let may_be_written_to = guesses::write_to(&mut tx, app, email).await?;
        let found = sqlx::query!("SELECT id, language FROM users WHERE email = $1", email);
        let (user, language) = found.fetch_optional(&mut *tx).await?.map(|user| (user.id, user.language)).unzip();
        tx.commit().await?;
        let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        let language = language.unwrap_or_else(|| template::language(accepted).to_owned());
        Ok(Self { user, language, may_be_written_to })
    }
}
