//! A folder's row and its representation.

use serde::Serialize;
use sqlx::PgConnection;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::problem::{Problem, Result, broken_constraint, kinds};

/// A folder.
#[derive(Debug, Serialize, ToSchema)]
pub struct Folder {
    /// Its id.
    pub id: Uuid,
    /// Its name, which no other folder beside it has.
    pub name: String,
    /// The folder that it is in; null at the top.
    #[schema(required = true)]
    pub parent: Option<Uuid>,
    /// Its version, which `ETag` and `If-Match` name.
    pub version: i64,
    /// Since when it is.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// When it was changed last.
    #[serde(with = "time::serde::rfc3339")]
    pub updated_at: OffsetDateTime,
    /// Who made it; null when that user is gone.
    #[schema(required = true)]
    pub created_by: Option<Uuid>,
}

/// A folder of the workspace.
pub(in crate::files) async fn find(tx: &mut PgConnection, workspace: Uuid, id: Uuid) -> Result<Folder> {
    sqlx::query_as!(
        Folder,
        "SELECT id, name, parent_id AS parent, version, created_at, updated_at, created_by FROM folders
         WHERE workspace_id = $1 AND id = $2",
        workspace,
        id
    )
    .fetch_optional(tx)
    .await?
    .ok_or_else(|| Problem::not_found().detail("There is no such folder."))
}

/// What it means when a folder cannot be put where it is to go.
pub(super) fn misplaced(error: sqlx::Error) -> Problem {
    match broken_constraint(&error) {
        Some("folders_name") => Problem::new(&kinds::NAME_TAKEN).detail("Another folder there has this name."),
        Some("folders_parent") => no_parent(),
        _ => error.into(),
    }
}

/// 422 when there is no such folder to put it in.
pub(super) fn no_parent() -> Problem {
    Problem::invalid_field("/parent", "folder", "is no folder of this workspace")
}
