//! Addresses that get no mail any more.

use sqlx::PgConnection;

use crate::app::AppState;
use crate::audit::{self, Action, Event};
use crate::database::Scope;
use crate::problem::Result;

/// Why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Because {
    /// Their mail server said that there is no such address.
    Bounce,
    /// They told their provider that our mail is spam.
    Complaint,
}

impl Because {
    fn word(self) -> &'static str {
        match self {
            Self::Bounce => "bounce",
            Self::Complaint => "complaint",
        }
    }
}

/// Sends `email` nothing any more.
pub(super) async fn add(
    connection: &mut PgConnection,
    email: &str,
    because: Because,
    detail: Option<&str>,
) -> std::result::Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO mail_suppressions (email, reason, detail) VALUES ($1, $2, $3) ON CONFLICT (email) DO NOTHING",
        email.to_lowercase(),
        because.word(),
        detail
    )
    .execute(connection)
    .await
    .map(drop)
}

/// Whether `email` gets nothing.
pub async fn is_suppressed(app: &AppState, email: &str) -> Result<bool> {
    let mut tx = app.database.begin_read(&Scope::mail()).await?;
    let suppressed = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM mail_suppressions WHERE email = $1) AS "is!""#,
        email.to_lowercase()
    );
    Ok(suppressed.fetch_one(&mut *tx).await?)
}

/// Sends `email` mail again; whether it got none.
pub async fn lift(app: &AppState, email: &str) -> Result<bool> {
    let mut tx = app.database.begin(&Scope::mail()).await?;
    let lifted =
        sqlx::query!("DELETE FROM mail_suppressions WHERE email = $1", email.to_lowercase()).execute(&mut *tx).await?;
    if lifted.rows_affected() > 0 {
        audit::record(&mut tx, Event::by_operator(Action::MailAllowed).about("address", email.to_lowercase())).await?;
    }
    tx.commit().await?;
    Ok(lifted.rows_affected() > 0)
}
