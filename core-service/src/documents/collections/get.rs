//! `GET …/collections/{collection}`

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use uuid::Uuid;

use super::CollectionName;
use super::model::Collection;
use crate::access::{Permission, Resource, authorize_on};
use crate::app::AppState;
use crate::http::{IfNoneMatch, Json, Path, etag};
use crate::identity::Caller;
use crate::problem::{self, Result};

/// Read a collection
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{workspace}/collections/{collection}",
    operation_id = "collections.get",
    tag = "collections",
    security(("bearer" = [])),
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
        ("collection" = CollectionName, Path, description = "The collection's name"),
        ("If-None-Match" = Option<String>, Header, description = "What the caller has already"),
    ),
    responses(
        (status = OK, description = "The collection", body = Collection, headers(
            ("etag" = String, description = "Its version"),
        )),
        (status = NOT_MODIFIED, description = "The caller has it already"),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup,
    ),
)]
pub async fn get(
    caller: Caller,
    State(app): State<AppState>,
    Path((workspace, name)): Path<(Uuid, CollectionName)>,
    if_none_match: IfNoneMatch,
) -> Result<Response> {
    let mut tx = app.database.begin_read(&caller.scope().in_workspace(workspace)).await?;
    let resource = Resource::Collection(name.as_str());
    authorize_on(&mut tx, &caller, workspace, Permission::CollectionsRead, resource).await?;
    let collection = Collection::find(&mut tx, workspace, &name).await?;
    let tag = etag(collection.version);
    if if_none_match.matches(&tag) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response());
    }
    Ok(([(header::ETAG, tag)], Json(collection)).into_response())
}
