//! `PUT …/collections/{collection}`

use axum::extract::State;
use http::{HeaderName, HeaderValue, header};
use uuid::Uuid;

use super::CollectionName;
use super::model::{Collection, CollectionBody};
use crate::access::{Permission, authorize};
use crate::app::AppState;
use crate::http::{IfMatch, Json, Path, etag};
use crate::identity::Caller;
use crate::problem::{self, Result};

/// Replace a collection's name, schema and options
///
/// Every document must fit the new schema and options; otherwise nothing changes and the answer, `schema-incompatible`, names
/// those that do not.
#[utoipa::path(
    put,
    path = "/api/v1/workspaces/{workspace}/collections/{collection}",
    operation_id = "collections.replace",
    tag = "collections",
    security(("bearer" = [])),
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
        ("collection" = CollectionName, Path, description = "The collection's name"),
        ("If-Match" = Option<String>, Header, description = "The version that is to change"),
    ),
    request_body = CollectionBody,
    responses(
        (status = OK, description = "The collection", body = Collection, headers(
            ("etag" = String, description = "Its version"),
        )),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup, problem::Body,
        problem::Conflicting, problem::Conditional,
    ),
)]
pub async fn replace(
    caller: Caller,
    State(app): State<AppState>,
    Path((workspace, name)): Path<(Uuid, CollectionName)>,
    if_match: IfMatch,
    Json(body): Json<CollectionBody>,
) -> Result<([(HeaderName, HeaderValue); 1], Json<Collection>)> {
    let mut tx = app.database.begin(&caller.scope().in_workspace(workspace)).await?;
    let access = authorize(&mut tx, &caller, workspace, Permission::CollectionsManage).await?;
    let collection = Collection::lock(&mut tx, workspace, &name).await?;
    if_match.check(collection.version)?;
    let collection = collection.change(&mut tx, &caller, &access, workspace, body).await?;
    tx.commit().await?;
    Ok(([(header::ETAG, etag(collection.version))], Json(collection)))
}
