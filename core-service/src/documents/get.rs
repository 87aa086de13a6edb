//! `GET …/documents/{document}`

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::collections::{CollectionName, Target};
use super::expand::Included;
use super::model::{Document, Row};
use super::query::expansions;
use super::rules::Applied;
use crate::access::{Permission, Resource, authorize_on};
use crate::app::AppState;
use crate::http::{IfNoneMatch, Json, Path, Query, etag};
use crate::identity::Caller;
use crate::problem::{self, Result};

/// How a document is read.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DocumentQuery {
    /// Which references are followed: what they name is in `included`.
    #[param(example = "data.customer")]
    expand: Option<String>,
}

/// A document, and those that it names.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReadDocument {
    #[serde(flatten)]
    document: Document,
    /// The documents that `expand` asks for, by their ids.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    included: Option<Included>,
}

/// Read a document
///
/// With `expand`, the answer has no ETag: it changes with every document that is included.
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{workspace}/collections/{collection}/documents/{document}",
    operation_id = "documents.get",
    tag = "documents",
    security(("bearer" = [])),
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
        ("collection" = CollectionName, Path, description = "The collection's name"),
        ("document" = Uuid, Path, description = "The document's id"),
        ("If-None-Match" = Option<String>, Header, description = "What the caller has already"),
        DocumentQuery,
    ),
    responses(
        (status = OK, description = "The document", body = ReadDocument, headers(
            ("etag" = Option<String>, description = "Its version"),
        )),
        (status = NOT_MODIFIED, description = "The caller has it already"),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup,
    ),
)]
pub async fn get(
    caller: Caller,
    State(app): State<AppState>,
    Path((workspace, collection, id)): Path<(Uuid, CollectionName, Uuid)>,
    Query(query): Query<DocumentQuery>,
    if_none_match: IfNoneMatch,
) -> Result<Response> {
    let expand = query.expand.as_deref().map(expansions::parse).transpose()?;
    let mut tx = app.database.begin_read(&caller.scope().in_workspace(workspace)).await?;
    let resource = Resource::Document(collection.as_str(), id);
    let access = authorize_on(&mut tx, &caller, workspace, Permission::DocumentsRead, resource).await?;
    let (mut row, rules) = Row::find(&mut tx, workspace, &collection, id).await?;
    Applied::to(&rules, &access).hide(&mut row.data);
    if let Some(expand) = &expand {
        let target = Target::for_reading(&mut tx, workspace, &collection).await?;
        let rows = std::slice::from_ref(&row);
        let included = Some(Included::by(expand, &mut tx, &access, workspace, &target, rows).await?);
        return Ok(Json(ReadDocument { document: row.document(&collection), included }).into_response());
    }
    let tag = etag(row.version);
    if if_none_match.matches(&tag) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response());
    }
    Ok(([(header::ETAG, tag)], Json(row.document(&collection))).into_response())
}
