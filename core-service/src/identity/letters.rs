//! What identity writes to people, and other rooms on its behalf.

use serde_json::{Value, json};
use sqlx::PgConnection;

use super::code::Code;
use crate::app::AppState;
use crate::mail::{self, Letter, Template};

/// A page of the app that a mail leads to.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Page {
    VerifyEmail,
    ConfirmEmail,
    ResetPassword,
    AcceptInvitation,
    Sessions,
    /// Where a reset is asked for.
    ForgotPassword,
}

impl Page {
    /// Its address. A code stands behind the `#`, which browsers tell no server.
    pub(crate) fn link(self, app: &AppState, code: Option<&Code>) -> String {
        let base = app.config.mail.app_url.as_ref().map_or(app.config.identity.issuer.as_str(), |url| url.as_str());
        let path = match self {
            Self::VerifyEmail => "verify-email",
            Self::ConfirmEmail => "confirm-email",
            Self::ResetPassword => "reset-password",
            Self::Sessions => "sessions",
            Self::AcceptInvitation => "accept-invitation",
            Self::ForgotPassword => "forgot-password",
        };
        let code = code.map(|code| format!("#code={}", code.text())).unwrap_or_default();
        format!("{}/{path}{code}", base.trim_end_matches('/'))
    }
}

/// Somebody to write to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a> {
    pub(crate) email: &'a str,
    pub(crate) language: &'a str,
}

/// Asks for a mail; false if there was one for this reason.
pub(crate) async fn write(
    connection: &mut PgConnection,
    app: &AppState,
    reader: Reader<'_>,
    template: Template,
    reason: &str,
    data: Value,
) -> anyhow::Result<bool> {
    let letter = Letter { to: reader.email, language: reader.language, template, reason, data };
    mail::send(connection, app, letter).await
}

/// Says that the password was changed. It happens once for each hash.
pub(crate) async fn password_changed(
    connection: &mut PgConnection,
    app: &AppState,
    reader: Reader<'_>,
) -> anyhow::Result<()> {
    let reason = format!("password changed {}", uuid::Uuid::now_v7());
    let data = json!({ "link": Page::ForgotPassword.link(app, None) });
    write(connection, app, reader, Template::PasswordChanged, &reason, data).await.map(drop)
}

/// To an address that has an account already and that somebody wanted for another: at most once an hour.
pub(crate) async fn already_registered(
    connection: &mut PgConnection,
    app: &AppState,
    reader: Reader<'_>,
) -> anyhow::Result<()> {
    let hour = time::OffsetDateTime::now_utc().unix_timestamp() / 3600;
    let reason = format!("already registered {hour} {}", reader.email);
    let data = json!({ "link": Page::ForgotPassword.link(app, None) });
    write(connection, app, reader, Template::AlreadyRegistered, &reason, data).await.map(drop)
}
