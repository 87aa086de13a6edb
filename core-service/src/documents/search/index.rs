//! `GET` and `POST …/collections/{collection}/search/index`: how far the index of a collection has come.

use axum::extract::State;
use http::StatusCode;
use serde::Serialize;
use sqlx::PgConnection;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use super::form::Form;
use super::{not_searched, reindex};
use crate::access::{Permission, Resource, authorize_on};
use crate::app::AppState;
use crate::database::Scope;
use crate::documents::collections::{CollectionName, Target};
use crate::http::{Json, Path};
use crate::identity::Caller;
use crate::problem::{self, Problem, Result};

/// The index of a collection.
#[derive(Debug, Serialize, ToSchema)]
pub struct SearchIndex {
    /// Documents that were put in since it was begun anew.
    pub done: i64,
    /// Documents that there are.
    pub documents: i64,
    /// Since when it is complete; null while it is being made.
    #[serde(with = "time::serde::rfc3339::option")]
    #[schema(required = true)]
    pub finished_at: Option<OffsetDateTime>,
}

/// Read how far a search index is
///
/// After a change of what is searched, all documents are put into the index anew; until that is done, searches find what is in it.
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{workspace}/collections/{collection}/search/index",
    operation_id = "search.index.get",
    tag = "search",
    security(("bearer" = [])),
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
        ("collection" = CollectionName, Path, description = "The collection's name"),
    ),
    responses(
        (status = OK, description = "The index", body = SearchIndex),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup,
    ),
)]
pub async fn get(
    caller: Caller,
    State(app): State<AppState>,
    Path((workspace, collection)): Path<(Uuid, CollectionName)>,
) -> Result<Json<SearchIndex>> {
    let mut tx = app.database.begin_read(&caller.scope().in_workspace(workspace)).await?;
    let resource = Resource::Collection(collection.as_str());
    authorize_on(&mut tx, &caller, workspace, Permission::DocumentsRead, resource).await?;
    let target = searched(&mut tx, workspace, &collection).await?;
    index(&mut tx, target.id).await.map(Json)
}

/// Put a collection into the search index anew
#[utoipa::path(
    post,
    path = "/api/v1/workspaces/{workspace}/collections/{collection}/search/index",
    operation_id = "search.index.rebuild",
    tag = "search",
    security(("bearer" = [])),
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
        ("collection" = CollectionName, Path, description = "The collection's name"),
    ),
    responses(
        (status = ACCEPTED, description = "It has begun", body = SearchIndex),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup,
    ),
)]
pub async fn rebuild(
    caller: Caller,
    State(app): State<AppState>,
    Path((workspace, collection)): Path<(Uuid, CollectionName)>,
) -> Result<(StatusCode, Json<SearchIndex>)> {
    let mut tx = app.database.begin_read(&caller.scope().in_workspace(workspace)).await?;
    let resource = Resource::Collection(collection.as_str());
    authorize_on(&mut tx, &caller, workspace, Permission::CollectionsManage, resource).await?;
    let target = searched(&mut tx, workspace, &collection).await?;
    drop(tx);
    let mut tx = app.database.begin(&Scope::worker()).await?;
    let form = Form::find(&mut tx, &[target.id]).await?.pop().ok_or_else(Problem::not_found)?;
    reindex::begin(&mut tx, &form).await.map_err(|error| Problem::internal(format!("{error:#}")))?;
    let begun = index(&mut tx, target.id).await?;
    tx.commit().await?;
    Ok((StatusCode::ACCEPTED, Json(begun)))
}

/// The collection, 404 if it is not searched.
async fn searched(tx: &mut PgConnection, workspace: Uuid, collection: &CollectionName) -> Result<Target> {
    let target = Target::for_reading(tx, workspace, collection).await?;
    if target.options.search.is_some() { Ok(target) } else { Err(not_searched()) }
}

async fn index(tx: &mut PgConnection, collection: Uuid) -> Result<SearchIndex> {
    let found = sqlx::query_as!(
        SearchIndex,
        r#"SELECT coalesce(p.done, 0) AS "done!", p.finished_at AS "finished_at?",
                  (SELECT count(*) FROM documents WHERE collection_id = $1) AS "documents!"
           FROM (SELECT 1) AS one LEFT JOIN search_progress p ON p.collection_id = $1"#,
        collection
    );
    Ok(found.fetch_one(tx).await?)
}
