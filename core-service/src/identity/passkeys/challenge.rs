//! What passkeys sign: random, ours, good once.

use std::time::Duration;

use sha2::{Digest, Sha256};
use sqlx::PgConnection;
use uuid::Uuid;

use super::credential::refused;
use crate::identity::opaque::Opaque;
use crate::problem::{Problem, Result};

/// What the specification recommends (section 15.1), and as long as browsers wait.
pub(super) const LIFE: Duration = Duration::from_secs(300);

/// A new challenge: for `user` to register with, or for anybody to sign in with.
pub(super) async fn begin(connection: &mut PgConnection, user: Option<Uuid>) -> Result<String> {
    let challenge = Opaque::new().map_err(Problem::internal)?;
    sqlx::query!(
        "INSERT INTO passkey_challenges (hash, user_id, expires_at) VALUES ($1, $2, now() + make_interval(secs => $3))",
        &challenge.hash()[..],
        user,
        LIFE.as_secs_f64()
    )
    .execute(connection)
    .await?;
    Ok(challenge.text())
}

/// Uses a challenge up that was made for this; 401 if there is none.
pub(super) async fn take(connection: &mut PgConnection, challenge: &[u8], user: Option<Uuid>) -> Result<()> {
    let taken = sqlx::query!(
        "DELETE FROM passkey_challenges WHERE hash = $1 AND user_id IS NOT DISTINCT FROM $2 AND expires_at > now()",
        &Sha256::digest(challenge)[..],
        user
    );
    if taken.execute(connection).await?.rows_affected() > 0 { Ok(()) } else { Err(refused()) }
}

/// Forgets challenges that are over.
pub(in crate::identity) async fn forget_old(connection: &mut PgConnection) -> std::result::Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM passkey_challenges WHERE expires_at < now()").execute(connection).await.map(drop)
}
