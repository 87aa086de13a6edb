//! Whom providers know users as, in the database.

use serde::Serialize;
use sqlx::PgConnection;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use super::Told;

/// An account elsewhere that signs its user in here.
#[derive(Debug, Serialize, ToSchema)]
pub struct LinkedIdentity {
    /// Its id.
    pub(super) id: Uuid,
    /// The provider's name.
    #[schema(example = "google")]
    provider: String,
    /// The address that the provider told when it was linked.
    #[schema(required = true)]
    email: Option<String>,
    /// Since when it is linked.
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    /// When it was last used to sign in.
    #[serde(with = "time::serde::rfc3339::option")]
    #[schema(required = true)]
    used_at: Option<OffsetDateTime>,
}

/// Links. One that is somebody's already breaks the constraint `linked_identities_subject_key`.
pub(super) async fn insert(
    connection: &mut PgConnection,
    user: Uuid,
    provider: &str,
    told: &Told,
) -> Result<LinkedIdentity, sqlx::Error> {
    sqlx::query_as!(
        LinkedIdentity,
        "INSERT INTO linked_identities (id, user_id, provider, issuer, subject, email) VALUES ($1, $2, $3, $4, $5, $6)
         RETURNING id, provider, email, created_at, used_at",
        Uuid::now_v7(),
        user,
        provider,
        told.issuer,
        told.subject,
        told.email
    )
    .fetch_one(connection)
    .await
}

/// Whose account this is, who uses it now.
pub(super) async fn used(connection: &mut PgConnection, told: &Told) -> Result<Option<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        "UPDATE linked_identities SET used_at = now() WHERE issuer = $1 AND subject = $2 RETURNING user_id",
        told.issuer,
        told.subject
    )
    .fetch_optional(connection)
    .await
}

/// A user's, oldest first.
pub(super) async fn list(
    connection: &mut PgConnection,
    user: Uuid,
    after: Option<Uuid>,
    most: i64,
) -> Result<Vec<LinkedIdentity>, sqlx::Error> {
    sqlx::query_as!(
        LinkedIdentity,
        "SELECT id, provider, email, created_at, used_at FROM linked_identities
         WHERE user_id = $1 AND ($2::uuid IS NULL OR id > $2) ORDER BY id LIMIT $3",
        user,
        after,
        most
    )
    .fetch_all(connection)
    .await
}

/// All of a user's.
pub(in crate::identity) async fn of_user(
    connection: &mut PgConnection,
    user: Uuid,
) -> Result<Vec<LinkedIdentity>, sqlx::Error> {
    list(connection, user, None, i64::MAX).await
}

/// Removes one of a user's: its provider's name, if it was there.
pub(super) async fn remove(connection: &mut PgConnection, user: Uuid, id: Uuid) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar!("DELETE FROM linked_identities WHERE id = $1 AND user_id = $2 RETURNING provider", id, user)
        .fetch_optional(connection)
        .await
}
