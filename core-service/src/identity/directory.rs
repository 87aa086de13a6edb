//! Finding users for other rooms, which may not read identity's tables.

use uuid::Uuid;

use super::user::{User, normalised};
use crate::database::{Database, Scope};
use crate::problem::Result;

/// The user with this e-mail address. Only for callers that may learn whether there is one.
pub async fn by_email(database: &Database, email: &str) -> Result<Option<User>> {
    let mut tx = database.begin_read(&Scope::identity()).await?;
    Ok(User::by_email(&mut tx, &normalised(email)).await?)
}

/// The users with these ids, in no particular order.
pub async fn by_ids(database: &Database, ids: &[Uuid]) -> Result<Vec<User>> {
    let mut tx = database.begin_read(&Scope::identity()).await?;
    let users = sqlx::query_as!(
        User,
        r#"SELECT id, email AS "email!", email_verified_at IS NOT NULL AS "email_verified!", display_name,
                  created_at, updated_at, version FROM users WHERE id = ANY($1) AND email IS NOT NULL"#,
        ids
    );
    Ok(users.fetch_all(&mut *tx).await?)
}
