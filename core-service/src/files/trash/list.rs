//! `GET /api/v1/workspaces/{workspace}/files/trash`

use axum::extract::State;
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::access::{Permission, authorize};
use crate::app::AppState;
use crate::http::{Json, Page, PageQuery, Path, Query};
use crate::identity::Caller;
use crate::problem::{self, Result};

/// A file in the trash.
#[derive(Debug, Serialize, ToSchema)]
pub struct TrashedFile {
    /// Its id.
    id: Uuid,
    /// The name that it had.
    name: String,
    /// The folder that it was in; null for the top.
    #[schema(required = true)]
    folder: Option<Uuid>,
    /// The bytes of its newest content.
    size: i64,
    /// When it was deleted.
    #[serde(with = "time::serde::rfc3339")]
    deleted_at: OffsetDateTime,
    /// Who deleted it; null when that user is gone.
    #[schema(required = true)]
    deleted_by: Option<Uuid>,
    /// When it goes for good, or soon after.
    #[serde(with = "time::serde::rfc3339")]
    purge_at: OffsetDateTime,
}

/// Where a page ended.
#[derive(Serialize, Deserialize)]
struct Position(#[serde(with = "time::serde::rfc3339")] OffsetDateTime, Uuid);

/// List deleted files
///
/// The last deleted first.
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{workspace}/files/trash",
    operation_id = "files.trash.list",
    tag = "files",
    security(("bearer" = [])),
    params(("workspace" = Uuid, Path, description = "The workspace's id"), PageQuery),
    responses(
        (status = OK, description = "A page of deleted files", body = Page<TrashedFile>),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup,
    ),
)]
pub async fn list(
    caller: Caller,
    State(app): State<AppState>,
    Path(workspace): Path<Uuid>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<TrashedFile>>> {
    let (before, id) = query.after()?.map(|Position(time, id)| (time, id)).unzip();
    let mut tx = app.database.begin_read(&caller.scope().in_workspace(workspace)).await?;
    authorize(&mut tx, &caller, workspace, Permission::FilesWrite).await?;
    let found = sqlx::query!(
        r#"SELECT id AS "id!", name AS "name!", deleted_from, size AS "size!", deleted_at AS "deleted_at!", deleted_by
           FROM current_files
           WHERE workspace_id = $1 AND deleted_at IS NOT NULL AND ($2::timestamptz IS NULL OR (deleted_at, id) < ($2, $3))
           ORDER BY deleted_at DESC, id DESC LIMIT $4"#,
        workspace,
        before,
        id,
        query.limit.and_one()
    )
    .fetch_all(&mut *tx)
    .await?;
    let days = Duration::days(i64::from(app.config.files.trash_days));
    let files = found.into_iter().map(|row| TrashedFile {
        id: row.id,
        name: row.name,
        folder: row.deleted_from,
        size: row.size,
        deleted_at: row.deleted_at,
        deleted_by: row.deleted_by,
        purge_at: row.deleted_at + days,
    });
    Ok(Json(Page::of(files.collect(), query.limit, |last| Position(last.deleted_at, last.id))))
}
