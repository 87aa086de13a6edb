//! `GET /api/v1/workspaces/{workspace}/files`

use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::folders;
use super::model::{File, Row};
use crate::access::{Permission, authorize};
use crate::app::AppState;
use crate::http::{Cursor, Json, Limit, Page, Path, Query};
use crate::identity::Caller;
use crate::problem::{self, Result};

/// Which files.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct FilesQuery {
    /// Those of this folder; those at the top, if it is not said.
    folder: Option<Uuid>,
    /// How many a page holds.
    #[serde(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100, default = 50)]
    limit: Limit,
    /// The `next_cursor` of the page before.
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
}

/// List the files of a folder
///
/// By their names. Folders are in a list of their own: `folders.list`.
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{workspace}/files",
    operation_id = "files.list",
    tag = "files",
    security(("bearer" = [])),
    params(("workspace" = Uuid, Path, description = "The workspace's id"), FilesQuery),
    responses(
        (status = OK, description = "A page of files", body = Page<File>),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup,
    ),
)]
pub async fn list(
    caller: Caller,
    State(app): State<AppState>,
    Path(workspace): Path<Uuid>,
    Query(query): Query<FilesQuery>,
) -> Result<Json<Page<File>>> {
    let after: Option<String> = query.cursor.as_ref().map(Cursor::position).transpose()?;
    let mut tx = app.database.begin_read(&caller.scope().in_workspace(workspace)).await?;
    authorize(&mut tx, &caller, workspace, Permission::FilesRead).await?;
    if let Some(folder) = query.folder {
        folders::find(&mut tx, workspace, folder).await?;
    }
    let found = sqlx::query_as!(
        Row,
        r#"SELECT id AS "id!", name AS "name!", folder_id, version AS "version!", created_at AS "created_at!",
                  updated_at AS "updated_at!", created_by, updated_by, number AS "number!", size AS "size!",
                  media_type AS "media_type!", sha256 AS "sha256!", content_at AS "content_at!", content_by,
                  retain_until, legal_hold AS "legal_hold!"
           FROM current_files
           WHERE workspace_id = $1 AND place = $2 AND deleted_at IS NULL AND name > $3
           ORDER BY name LIMIT $4"#,
        workspace,
        query.folder.unwrap_or(workspace),
        // Every name is behind the empty one.
        after.unwrap_or_default(),
        query.limit.and_one()
    )
    .fetch_all(&mut *tx)
    .await?;
    let page = Page::of(found, query.limit, |last| last.name.clone());
    Ok(Json(Page { items: page.items.into_iter().map(File::from).collect(), next_cursor: page.next_cursor }))
}
