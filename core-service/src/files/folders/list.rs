//! `GET /api/v1/workspaces/{workspace}/folders`

use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::model::{Folder, find};
use crate::access::{Permission, authorize};
use crate::app::AppState;
use crate::http::{Cursor, Json, Limit, Page, Path, Query};
use crate::identity::Caller;
use crate::problem::{self, Result};

/// Which folders.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct FoldersQuery {
    /// Those inside this folder; those at the top, if it is not said.
    parent: Option<Uuid>,
    /// How many a page holds.
    #[serde(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100, default = 50)]
    limit: Limit,
    /// The `next_cursor` of the page before.
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
}

/// List folders
///
/// By their names.
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{workspace}/folders",
    operation_id = "folders.list",
    tag = "files",
    security(("bearer" = [])),
    params(("workspace" = Uuid, Path, description = "The workspace's id"), FoldersQuery),
    responses(
        (status = OK, description = "A page of folders", body = Page<Folder>),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup,
    ),
)]
pub async fn list(
    caller: Caller,
    State(app): State<AppState>,
    Path(workspace): Path<Uuid>,
    Query(query): Query<FoldersQuery>,
) -> Result<Json<Page<Folder>>> {
    let after: Option<String> = query.cursor.as_ref().map(Cursor::position).transpose()?;
    let mut tx = app.database.begin_read(&caller.scope().in_workspace(workspace)).await?;
    authorize(&mut tx, &caller, workspace, Permission::FilesRead).await?;
    if let Some(parent) = query.parent {
        find(&mut tx, workspace, parent).await?;
    }
    let found = sqlx::query_as!(
        Folder,
        "SELECT id, name, parent_id AS parent, version, created_at, updated_at, created_by FROM folders
         WHERE workspace_id = $1 AND place = $2 AND name > $3
         ORDER BY name LIMIT $4",
        workspace,
        query.parent.unwrap_or(workspace),
        // Every name is behind the empty one.
        after.unwrap_or_default(),
        query.limit.and_one()
    )
    .fetch_all(&mut *tx)
    .await?;
    Ok(Json(Page::of(found, query.limit, |last| last.name.clone())))
}
