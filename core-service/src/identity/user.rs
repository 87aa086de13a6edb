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
    /// Whether they have shown that the address is theirs.
    pub email_verified: bool,
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

/// A user to be.
pub(super) struct NewUser<'a> {
    pub(super) email: &'a str,
    pub(super) display_name: Option<&'a str>,
    pub(super) language: &'a str,
    /// None for who signs in otherwise.
    pub(super) password_hash: Option<&'a str>,
    pub(super) verified: bool,
}

/// E-mail addresses are compared without regard to case.
pub fn normalised(email: &str) -> String {
    email.trim().to_lowercase()
}

impl User {
    /// Inserts a user, with a password if there is one. A taken address breaks the constraint `users_email_key`.
    pub(super) async fn insert(connection: &mut PgConnection, new: NewUser<'_>) -> Result<Self, sqlx::Error> {
        sqlx::query_as!(
            User,
            r#"WITH new AS (
                 INSERT INTO users (id, email, display_name, language, email_verified_at)
                 VALUES ($1, $2, $3, $4, CASE WHEN $5 THEN now() END) RETURNING *
               ), secret AS (
                 INSERT INTO passwords (user_id, hash) SELECT id, $6 FROM new WHERE $6::text IS NOT NULL
               )
               SELECT id, email AS "email!", email_verified_at IS NOT NULL AS "email_verified!", display_name,
                      created_at, updated_at, version FROM new"#,
            Uuid::now_v7(),
            new.email,
            new.display_name,
            new.language,
            new.verified,
            new.password_hash
        )
        .fetch_one(connection)
        .await
    }

    /// The user with this id.
    pub async fn find(connection: &mut PgConnection, id: Uuid) -> Result<Option<Self>, sqlx::Error> {
        sqlx::query_as!(
            User,
            r#"SELECT id, email AS "email!", email_verified_at IS NOT NULL AS "email_verified!", display_name,
                      created_at, updated_at, version FROM users WHERE id = $1 AND email IS NOT NULL"#,
            id
        )
        .fetch_optional(connection)
        .await
    }

    /// The same, locked until the transaction ends.
    pub async fn lock(connection: &mut PgConnection, id: Uuid) -> Result<Option<Self>, sqlx::Error> {
        sqlx::query_as!(
            User,
            r#"SELECT id, email AS "email!", email_verified_at IS NOT NULL AS "email_verified!", display_name,
                      created_at, updated_at, version FROM users WHERE id = $1 AND email IS NOT NULL FOR UPDATE"#,
            id
        )
        .fetch_optional(connection)
        .await
    }

    /// The user with this address, which must be normalised.
    pub(super) async fn by_email(connection: &mut PgConnection, email: &str) -> Result<Option<Self>, sqlx::Error> {
        sqlx::query_as!(
            User,
            r#"SELECT id, email AS "email!", email_verified_at IS NOT NULL AS "email_verified!", display_name,
                      created_at, updated_at, version FROM users WHERE email = $1"#,
            email
        )
        .fetch_optional(connection)
        .await
    }

    /// The same with their password's hash, if they have a password. One query, whether there is such a user or not.
    pub(super) async fn with_password(
        connection: &mut PgConnection,
        email: &str,
    ) -> Result<Option<(Self, String)>, sqlx::Error> {
        let row = sqlx::query!(
            r#"SELECT u.id, u.email AS "email!", u.email_verified_at IS NOT NULL AS "email_verified!", u.display_name,
                      u.created_at, u.updated_at, u.version, p.hash
               FROM users u JOIN passwords p ON p.user_id = u.id WHERE u.email = $1"#,
            email
        )
        .fetch_optional(connection)
        .await?;
        Ok(row.map(|row| {
            let user = User {
                id: row.id,
                email: row.email,
                email_verified: row.email_verified,
                display_name: row.display_name,
                created_at: row.created_at,
                updated_at: row.updated_at,
                version: row.version,
            };
            (user, row.hash)
        }))
    }

    /// The language of their mails.
    pub(super) async fn language(connection: &mut PgConnection, id: Uuid) -> Result<String, sqlx::Error> {
        let language = sqlx::query_scalar!("SELECT language FROM users WHERE id = $1", id);
        Ok(language.fetch_optional(connection).await?.unwrap_or_default())
    }

    /// Sets the display name.
    pub async fn rename(
        connection: &mut PgConnection,
        id: Uuid,
        display_name: Option<&str>,
    ) -> Result<Self, sqlx::Error> {
        sqlx::query_as!(
            User,
            r#"UPDATE users SET display_name = $2, version = version + 1, updated_at = now() WHERE id = $1
               RETURNING id, email AS "email!", email_verified_at IS NOT NULL AS "email_verified!", display_name,
                         created_at, updated_at, version"#,
            id,
            display_name
        )
        .fetch_one(connection)
        .await
    }

    /// Notes that `email` is theirs; none if they have another one by now.
    pub(super) async fn verify(
        connection: &mut PgConnection,
        id: Uuid,
        email: &str,
    ) -> Result<Option<Self>, sqlx::Error> {
        sqlx::query_as!(
            User,
            r#"UPDATE users SET version = version + (email_verified_at IS NULL)::int,
                 updated_at = CASE WHEN email_verified_at IS NULL THEN now() ELSE updated_at END,
                 email_verified_at = coalesce(email_verified_at, now())
               WHERE id = $1 AND email = $2
               RETURNING id, email AS "email!", email_verified_at IS NOT NULL AS "email_verified!", display_name,
                         created_at, updated_at, version"#,
            id,
            email
        )
        .fetch_optional(connection)
        .await
    }

    /// Gives them another address, which is theirs. A taken one breaks the constraint `users_email_key`.
    pub(super) async fn set_email(connection: &mut PgConnection, id: Uuid, email: &str) -> Result<(), sqlx::Error> {
        sqlx::query!(
            "UPDATE users SET email = $2, email_verified_at = now(), version = version + 1, updated_at = now()
             WHERE id = $1",
            id,
            email
        )
        .execute(connection)
        .await
        .map(drop)
    }
}
