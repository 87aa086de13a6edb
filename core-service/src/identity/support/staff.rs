//! Who is support: the operator says so at the machine.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::app::AppState;
use crate::audit::{self, Action, Event};
use crate::database::Scope;
use crate::identity::session::Because;
use crate::identity::user::{User, normalised};
use crate::problem::{Problem, Result};

/// Makes the user with this address support. 404 if there is none.
pub async fn appoint(app: &AppState, email: &str) -> Result<()> {
    let mut tx = app.database.begin(&Scope::identity()).await?;
    let user = User::by_email(&mut tx, &normalised(email)).await?.ok_or_else(Problem::not_found)?;
    sqlx::query!("INSERT INTO support_staff (user_id) VALUES ($1) ON CONFLICT DO NOTHING", user.id)
        .execute(&mut *tx)
        .await?;
    audit::record(&mut tx, Event::by_operator(Action::SupportAppointed).of_user(user.id)).await?;
    tx.commit().await?;
    Ok(())
}

/// Ends that, and every session that they act in.
pub async fn dismiss(app: &AppState, email: &str) -> Result<()> {
    let mut tx = app.database.begin(&Scope::identity()).await?;
    let user = User::by_email(&mut tx, &normalised(email)).await?.ok_or_else(Problem::not_found)?;
    sqlx::query!("DELETE FROM support_staff WHERE user_id = $1", user.id).execute(&mut *tx).await?;
    sqlx::query!(
        "UPDATE sessions SET ended_at = now(), ended_because = $2 WHERE impersonator_id = $1 AND ended_at IS NULL",
        user.id,
        Because::Revoked.word()
    )
    .execute(&mut *tx)
    .await?;
    audit::record(&mut tx, Event::by_operator(Action::SupportDismissed).of_user(user.id)).await?;
    tx.commit().await?;
    app.identity.changed();
    Ok(())
}

/// 404 unless the user is support: nobody else is to know that there is something here.
pub(super) async fn require(connection: &mut PgConnection, user: Uuid) -> Result<()> {
    let found =
        sqlx::query_scalar!(r#"SELECT EXISTS (SELECT FROM support_staff WHERE user_id = $1) AS "staff!""#, user);
    if found.fetch_one(connection).await? { Ok(()) } else { Err(Problem::not_found()) }
}
