//! Finding users for other rooms, which may not read identity's tables.

use uuid::Uuid;

use super::user::{User, normalised};
use crate::database::{Database, Scope};
use crate::problem::Result;

/// The user with this e-mail address. Only for callers that may learn whether there is one.
pub async fn by_email(database: &Database, email: &str) -> Result<Option<User>> {
    let mut tx = database.begin_read(&Scope::identity()).await?;
    let user = sqlx::query_as!(
        User,
        "SELECT id, email, display_name, created_at, updated_at, version FROM users WHERE email = $1",
        normalised(email)
    );
    Ok(user.fetch_optional(&mut *tx).await?)
}

/// The users with these ids, in no particular order.
pub async fn by_ids(database: &Database, ids: &[Uuid]) -> Result<Vec<User>> {
    let mut tx = database.begin_read(&Scope::identity()).await?;
    let users = sqlx::query_as!(
        User,
        "SELECT id, email, display_name, created_at, updated_at, version FROM users WHERE id = ANY($1)",
        ids
    );
    Ok(users.fetch_all(&mut *tx).await?)
}
