//! Users.

use serde::Serialize;
use sqlx::PgConnection;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

/// A user, as they see themselves.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct User {
    /// Their id.
    pub id: Uuid,
    /// Their e-mail address, in lower case.
    #[schema(format = "email")]
    pub email: String,
    /// How they want to be called.
    #[schema(required = true)]
    pub display_name: Option<String>,
    /// Since when they are registered.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// When they last changed.
    #[serde(with = "time::serde::rfc3339")]
    pub updated_at: OffsetDateTime,
    /// The row's version, told as the ETag.
    #[serde(skip)]
    pub version: i64,
}

/// E-mail addresses are compared without regard to case.
pub fn normalised(email: &str) -> String {
    email.trim().to_lowercase()
}

impl User {
    /// Inserts a user with a password's hash. A taken address breaks the constraint `users_email_key`.
    pub async fn insert(
        connection: &mut PgConnection,
        email: &str,
        display_name: Option<&str>,
        password_hash: &str,
    ) -> Result<Self, sqlx::Error> {
        sqlx::query_as!(
            User,
            r#"WITH new AS (
                 INSERT INTO users (id, email, display_name) VALUES ($1, $2, $3) RETURNING *
               ), secret AS (
                 INSERT INTO passwords (user_id, hash) SELECT id, $4 FROM new
               )
               SELECT id, email, display_name, created_at, updated_at, version FROM new"#,
            Uuid::now_v7(),
            email,
            display_name,
            password_hash
        )
        .fetch_one(connection)
        .await
    }

    /// The user with this id.
    pub async fn find(connection: &mut PgConnection, id: Uuid) -> Result<Option<Self>, sqlx::Error> {
        sqlx::query_as!(
            User,
            "SELECT id, email, display_name, created_at, updated_at, version FROM users WHERE id = $1",
            id
        )
        .fetch_optional(connection)
        .await
    }

    /// The same, locked until the transaction ends.
    pub async fn lock(connection: &mut PgConnection, id: Uuid) -> Result<Option<Self>, sqlx::Error> {
        sqlx::query_as!(
            User,
            "SELECT id, email, display_name, created_at, updated_at, version FROM users WHERE id = $1 FOR UPDATE",
            id
        )
        .fetch_optional(connection)
        .await
    }

    /// Sets the display name.
    pub async fn rename(
        connection: &mut PgConnection,
        id: Uuid,
        display_name: Option<&str>,
    ) -> Result<Self, sqlx::Error> {
        sqlx::query_as!(
            User,
            "UPDATE users SET display_name = $2, version = version + 1, updated_at = now() WHERE id = $1
             RETURNING id, email, display_name, created_at, updated_at, version",
            id,
            display_name
        )
        .fetch_one(connection)
        .await
    }
}
