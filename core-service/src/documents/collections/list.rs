//! `GET …/workspaces/{workspace}/collections`

use axum::extract::State;
use sqlx::types::Json as Jsonb;
use uuid::Uuid;

use super::CollectionName;
use super::model::Collection;
use crate::access::{Permission, authorize};
use crate::app::AppState;
use crate::documents::options::Options;
use crate::http::{Json, Page, PageQuery, Path, Query};
use crate::identity::Caller;
use crate::problem::{self, Result};

/// List collections
///
/// By name: all of them, or those that are granted one by one.
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{workspace}/collections",
    operation_id = "collections.list",
    tag = "collections",
    security(("bearer" = [])),
    params(("workspace" = Uuid, Path, description = "The workspace's id"), PageQuery),
    responses(
        (status = OK, description = "A page of collections", body = Page<Collection>),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup,
    ),
)]
pub async fn list(
    caller: Caller,
    State(app): State<AppState>,
    Path(workspace): Path<Uuid>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<Collection>>> {
    let after = query.after::<CollectionName>()?;
    let mut tx = app.database.begin_read(&caller.scope().in_workspace(workspace)).await?;
    let access = authorize(&mut tx, &caller, workspace, Permission::WorkspaceRead).await?;
    let all = access.allows(Permission::CollectionsRead);
    let found = sqlx::query_as!(
        Collection,
        r#"SELECT id, name, schema, options AS "options: Jsonb<Options>", version, created_at, updated_at FROM collections
           WHERE workspace_id = $1 AND ($2::text IS NULL OR name COLLATE "C" > $2)
             AND ($4 OR id = ANY ((SELECT breakwater_granted('collections:read', 'collection'))::uuid[]))
           ORDER BY name COLLATE "C" LIMIT $3"#,
        workspace,
        after.as_ref().map(CollectionName::as_str),
        query.limit.and_one(),
        all
    )
    .fetch_all(&mut *tx)
    .await?;
    Ok(Json(Page::of(found, query.limit, |last| last.name.clone())))
}
