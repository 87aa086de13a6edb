//! `GET …/collections/{collection}/trash`

use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::types::Json as Jsonb;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::access::{Permission, Resource, authorize_on};
use crate::app::AppState;
use crate::documents::collections::{CollectionName, Target};
use crate::documents::filter::instant;
use crate::documents::query::sort::time_of;
use crate::documents::rules::Applied;
use crate::http::{Json, Page, PageQuery, Path, Query};
use crate::identity::Caller;
use crate::problem::{self, Problem, Result, kinds};

/// A document in the trash.
#[derive(Debug, Serialize, ToSchema)]
pub struct TrashedDocument {
    /// Its id.
    id: Uuid,
    /// The version that it had.
    version: i64,
    /// When it was deleted.
    #[serde(with = "time::serde::rfc3339")]
    deleted_at: OffsetDateTime,
    /// Who deleted it; null when that user is gone.
    #[schema(required = true)]
    deleted_by: Option<Uuid>,
    /// The document whose deletion took this one along; itself, if it was the one.
    deleted_with: Uuid,
    /// When it goes for good.
    #[serde(with = "time::serde::rfc3339")]
    purge_at: OffsetDateTime,
    /// What it holds.
    #[schema(value_type = Object)]
    data: Jsonb<Value>,
}

/// Where a page ended: microseconds, and an id.
#[derive(Serialize, Deserialize)]
struct Position(i64, Uuid);

/// List a collection's deleted documents
///
/// The last deleted first. For whoever may write documents there.
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{workspace}/collections/{collection}/trash",
    operation_id = "documents.trash.list",
    tag = "documents",
    security(("bearer" = [])),
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
        ("collection" = CollectionName, Path, description = "The collection's name"),
        PageQuery,
    ),
    responses(
        (status = OK, description = "A page of deleted documents", body = Page<TrashedDocument>),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup,
    ),
)]
pub async fn list(
    caller: Caller,
    State(app): State<AppState>,
    Path((workspace, collection)): Path<(Uuid, CollectionName)>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<TrashedDocument>>> {
    let after: Option<Position> = query.after()?;
    let bad = || Problem::new(&kinds::INVALID_CURSOR);
    let (time, id) = match after {
        None => (None, None),
        Some(Position(micros, id)) => (Some(time_of(micros).ok_or_else(bad)?), Some(id)),
    };
    let mut tx = app.database.begin_read(&caller.scope().in_workspace(workspace)).await?;
    let resource = Resource::Collection(collection.as_str());
    let access = authorize_on(&mut tx, &caller, workspace, Permission::DocumentsWrite, resource).await?;
    let target = Target::for_reading(&mut tx, workspace, &collection).await?;
    let rules = Applied::to(&target.rules, &access);
    let mut found = sqlx::query_as!(
        TrashedDocument,
        r#"SELECT id, version, deleted_at, deleted_by, deleted_with, purge_at, data AS "data: Jsonb<Value>"
           FROM document_trash
           WHERE collection_id = $1 AND ($2::timestamptz IS NULL OR (deleted_at, id) < ($2, $3))
           ORDER BY deleted_at DESC, id DESC LIMIT $4"#,
        target.id,
        time,
        id,
        query.limit.and_one()
    )
    .fetch_all(&mut *tx)
    .await?;
    found.iter_mut().for_each(|document| rules.hide(&mut document.data));
    Ok(Json(Page::of(found, query.limit, |last| Position(instant::micros(last.deleted_at), last.id))))
}
