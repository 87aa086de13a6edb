//! An account always has a way to sign in: a password, a passkey, or a provider that is still there.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::app::AppState;
use crate::problem::{Problem, Result, kinds};

/// 409 unless one is left. Ask after the removal, with the user locked before it.
pub(super) async fn require_one(connection: &mut PgConnection, app: &AppState, user: Uuid) -> Result<()> {
    let left = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM passwords WHERE user_id = $1) OR EXISTS (SELECT FROM passkeys WHERE user_id = $1)
             OR EXISTS (SELECT FROM linked_identities WHERE user_id = $1 AND provider = ANY($2)) AS "left!""#,
        user,
        &app.identity.providers.names()
    );
    if left.fetch_one(connection).await? {
        return Ok(());
    }
    Err(Problem::new(&kinds::LAST_WAY_IN).detail("Set a password by resetting it, or add another way, before."))
}
