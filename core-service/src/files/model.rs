//! A file's representation, and the queries that find one.

use serde::Serialize;
use sqlx::PgConnection;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::problem::{Problem, Result, broken_constraint, kinds};

/// A file.
#[derive(Debug, Serialize, ToSchema)]
pub struct File {
    /// Its id.
    pub id: Uuid,
    /// Its name, which no other file in its folder has.
    pub name: String,
    /// The folder that it is in; null at the top.
    #[schema(required = true)]
    pub folder: Option<Uuid>,
    /// Its version, which `ETag` and `If-Match` name: every change makes another one.
    pub version: i64,
    /// What is in it.
    pub content: Content,
    /// Since when it is.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// When it was changed last.
    #[serde(with = "time::serde::rfc3339")]
    pub updated_at: OffsetDateTime,
    /// Who made it; null when that user is gone.
    #[schema(required = true)]
    pub created_by: Option<Uuid>,
    /// Who changed it last; null when that user is gone.
    #[schema(required = true)]
    pub updated_by: Option<Uuid>,
    /// It cannot be deleted before; null if there is no such time.
    #[serde(with = "time::serde::rfc3339::option")]
    #[schema(required = true)]
    pub retain_until: Option<OffsetDateTime>,
    /// Whether it cannot be deleted until somebody says otherwise.
    pub legal_hold: bool,
}

/// What is in a file, or was.
#[derive(Debug, Serialize, ToSchema)]
pub struct Content {
    /// Which it is: 1 for the first.
    pub number: i64,
    /// Its length in bytes.
    pub size: i64,
    /// Its media type.
    #[schema(example = "application/pdf")]
    pub media_type: String,
    /// Its SHA-256, in hexadecimal.
    pub sha256: String,
    /// Since when it is there.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// Who uploaded it; null when that user is gone.
    #[schema(required = true)]
    pub created_by: Option<Uuid>,
}

/// A row of the view `current_files`: a file with its newest content.
pub(super) struct Row {
    pub(super) id: Uuid,
    pub(super) name: String,
    pub(super) folder_id: Option<Uuid>,
    pub(super) version: i64,
    pub(super) created_at: OffsetDateTime,
    pub(super) updated_at: OffsetDateTime,
    pub(super) created_by: Option<Uuid>,
    pub(super) updated_by: Option<Uuid>,
    pub(super) number: i64,
    pub(super) size: i64,
    pub(super) media_type: String,
    pub(super) sha256: String,
    pub(super) content_at: OffsetDateTime,
    pub(super) content_by: Option<Uuid>,
    pub(super) retain_until: Option<OffsetDateTime>,
    pub(super) legal_hold: bool,
}

impl Row {
    /// A file that is not in the trash.
    pub(super) async fn find(tx: &mut PgConnection, workspace: Uuid, id: Uuid) -> Result<Self> {
        sqlx::query_as!(
            Self,
            r#"SELECT id AS "id!", name AS "name!", folder_id, version AS "version!", created_at AS "created_at!",
                      updated_at AS "updated_at!", created_by, updated_by, number AS "number!", size AS "size!",
                      media_type AS "media_type!", sha256 AS "sha256!", content_at AS "content_at!", content_by,
                      retain_until, legal_hold AS "legal_hold!"
               FROM current_files WHERE workspace_id = $1 AND id = $2 AND deleted_at IS NULL"#,
            workspace,
            id
        )
        .fetch_optional(tx)
        .await?
        .ok_or_else(Problem::not_found)
    }
}

impl From<Row> for File {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            name: row.name,
            folder: row.folder_id,
            version: row.version,
            content: Content {
                number: row.number,
                size: row.size,
                media_type: row.media_type,
                sha256: row.sha256,
                created_at: row.content_at,
                created_by: row.content_by,
            },
            created_at: row.created_at,
            updated_at: row.updated_at,
            created_by: row.created_by,
            updated_by: row.updated_by,
            retain_until: row.retain_until,
            legal_hold: row.legal_hold,
        }
    }
}

/// Locks a file that is not in the trash, and tells what has to be known to change it.
pub(super) async fn lock(tx: &mut PgConnection, workspace: Uuid, id: Uuid) -> Result<Locked> {
    sqlx::query_as!(
        Locked,
        r#"SELECT version, content, legal_hold OR coalesce(retain_until > now(), false) AS "held!" FROM files
           WHERE workspace_id = $1 AND id = $2 AND deleted_at IS NULL FOR UPDATE"#,
        workspace,
        id
    )
    .fetch_optional(tx)
    .await?
    .ok_or_else(Problem::not_found)
}

/// What is known of a locked file.
pub(super) struct Locked {
    pub(super) version: i64,
    pub(super) content: i64,
    /// Whether it must be kept.
    pub(super) held: bool,
}

/// 409 when another file in the folder has the name.
pub(super) fn name_taken() -> Problem {
    Problem::new(&kinds::NAME_TAKEN).detail("Another file there has this name.")
}

/// What it means when a file cannot be put where it is to go.
pub(super) fn misplaced(error: sqlx::Error) -> Problem {
    match broken_constraint(&error) {
        Some("files_name") => name_taken(),
        Some("files_folder") => Problem::invalid_field("/folder", "folder", "is no folder of this workspace"),
        _ => error.into(),
    }
}
