//! A comment's row and its representation.

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::problem::{Problem, Result};

/// What somebody says about a document.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CommentBody {
    /// What they say.
    #[schema(min_length = 1, max_length = 10000, example = "Is this still so?")]
    pub(super) text: String,
}

/// A comment.
#[derive(Debug, Serialize, ToSchema)]
pub struct Comment {
    /// Its id.
    pub id: Uuid,
    /// What it says.
    pub text: String,
    /// Rises with every change; its ETag.
    pub version: i64,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// When it was last changed.
    #[serde(with = "time::serde::rfc3339")]
    pub updated_at: OffsetDateTime,
    /// Who made it; null when that user is gone.
    #[schema(required = true)]
    pub created_by: Option<Uuid>,
}

impl Comment {
    /// The comment on a document, 404 if there is none.
    pub(super) async fn find(tx: &mut PgConnection, document: Uuid, id: Uuid) -> Result<Self> {
        sqlx::query_as!(
            Self,
            "SELECT id, text, version, created_at, updated_at, created_by FROM document_comments
             WHERE document_id = $1 AND id = $2",
            document,
            id
        )
        .fetch_optional(tx)
        .await?
        .ok_or_else(Problem::not_found)
    }
}
