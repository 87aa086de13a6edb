//! `GET …/workspaces/{workspace}/grants`

use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::model::{Grant, Row};
use crate::access::{Permission, RoleName, authorize};
use crate::app::AppState;
use crate::documents::collections::CollectionName;
use crate::http::{Cursor, Json, Limit, Page, Path, Query};
use crate::identity::Caller;
use crate::problem::{self, Result};

/// Which grants.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct GrantsQuery {
    /// How many grants a page holds.
    #[serde(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100, default = 50)]
    limit: Limit,
    /// The `next_cursor` of the page before.
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
    /// On this collection and its documents only.
    #[param(value_type = Option<String>)]
    collection: Option<CollectionName>,
    /// On this document only.
    document: Option<Uuid>,
}

/// List grants
///
/// The oldest first; those that are over, too.
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{workspace}/grants",
    operation_id = "grants.list",
    tag = "access",
    security(("bearer" = [])),
    params(("workspace" = Uuid, Path, description = "The workspace's id"), GrantsQuery),
    responses(
        (status = OK, description = "A page of grants", body = Page<Grant>),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup,
    ),
)]
pub async fn list(
    caller: Caller,
    State(app): State<AppState>,
    Path(workspace): Path<Uuid>,
    Query(query): Query<GrantsQuery>,
) -> Result<Json<Page<Grant>>> {
    let after: Option<Uuid> = query.cursor.as_ref().map(Cursor::position).transpose()?;
    let mut tx = app.database.begin_read(&caller.scope().in_workspace(workspace)).await?;
    authorize(&mut tx, &caller, workspace, Permission::GrantsManage).await?;
    let found = sqlx::query_as!(
        Row,
        r#"SELECT g.id, c.name AS collection, g.document_id, g.user_id, g.role AS "role: RoleName", g.team_id,
                  g.permissions, g.expires_at, g.created_at, g.created_by
           FROM grants g JOIN collections c ON c.id = g.collection_id
           WHERE g.workspace_id = $1 AND ($2::uuid IS NULL OR g.id > $2) AND ($3::text IS NULL OR c.name = $3)
             AND ($4::uuid IS NULL OR g.document_id = $4)
           ORDER BY g.id LIMIT $5"#,
        workspace,
        after,
        query.collection.as_ref().map(CollectionName::as_str),
        query.document,
        query.limit.and_one()
    )
    .fetch_all(&mut *tx)
    .await?;
    let page = Page::of(found, query.limit, |last| last.id);
    Ok(Json(Page { items: page.items.into_iter().map(Row::shown).collect(), next_cursor: page.next_cursor }))
}
