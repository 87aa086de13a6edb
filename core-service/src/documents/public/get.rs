//! `GET /api/v1/public/workspaces/{workspace}/collections/{collection}/documents/{document}`

use axum::extract::State;
use axum::response::Response;
use uuid::Uuid;

use super::{PublicDocument, Shown};
use crate::app::AppState;
use crate::database::Scope;
use crate::documents::collections::CollectionName;
use crate::documents::filter::{Filter, Literal, Operand};
use crate::documents::page;
use crate::documents::query::field::SystemField;
use crate::documents::query::sort::Sort;
use crate::http::{IfNoneMatch, Path};
use crate::problem::{self, Problem, Result};

/// Read a public document
///
/// One that its collection's options make public. Edges keep the answer until something is written to the collection.
#[utoipa::path(
    get,
    path = "/api/v1/public/workspaces/{workspace}/collections/{collection}/documents/{document}",
    operation_id = "public.documents.get",
    tag = "public documents",
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
        ("collection" = CollectionName, Path, description = "The collection's name"),
        ("document" = Uuid, Path, description = "The document's id"),
        ("If-None-Match" = Option<String>, Header, description = "What the caller has already"),
    ),
    responses(
        (status = OK, description = "The document", body = PublicDocument, headers(
            ("etag" = String, description = "Of what it says"),
        )),
        (status = NOT_MODIFIED, description = "The caller has it already"),
        problem::Always, problem::Lookup,
    ),
    security(()),
    extensions(("x-breakwater-cacheable" = json!(true))),
)]
pub async fn get(
    State(app): State<AppState>,
    Path((workspace, collection, id)): Path<(Uuid, CollectionName, Uuid)>,
    if_none_match: IfNoneMatch,
) -> Result<Response> {
    let mut tx = app.database.begin_read(&Scope::public(workspace)).await?;
    let shown = Shown::find(&mut tx, workspace, &collection).await?;
    let sort = Sort::parse(None, &shown.target.schema.declared())?;
    let choice = shown.choice(Some(Filter::In(Operand::System(SystemField::Id), vec![Literal::Id(id)])))?;
    let row = page::fetch(&mut tx, &choice, &sort, None, 1).await?.pop().ok_or_else(Problem::not_found)?;
    drop(tx);
    shown.answer(&shown.document(row, &collection), &if_none_match)
}
