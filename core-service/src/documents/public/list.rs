//! `GET /api/v1/public/workspaces/{workspace}/collections/{collection}/documents`

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::{PublicDocument, Shown};
use crate::app::AppState;
use crate::database::Scope;
use crate::documents::collections::CollectionName;
use crate::documents::filter::Filter;
use crate::documents::order::Order;
use crate::documents::page;
use crate::documents::places::name;
use crate::documents::query::field::SystemField;
use crate::documents::query::sort::Sort;
use crate::http::{Cursor, IfNoneMatch, Limit, Page, Path, Query};
use crate::problem::{self, Problem, Result};

/// What a list of public documents may be asked for: see `documents.list`.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PublicQuery {
    /// How many documents a page holds.
    #[serde(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100, default = 50)]
    limit: Limit,
    /// The `next_cursor` of the page before; `filter` and `sort` must be the same as there.
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
    /// Which documents.
    #[param(example = r#"data.slug eq "hello""#)]
    filter: Option<String>,
    /// In which order: names with commas between, a `-` before those that descend.
    #[param(example = "-created_at")]
    sort: Option<String>,
}

/// List public documents
///
/// Those that the collection's options make public. Edges keep the answer until something is written to the collection.
#[utoipa::path(
    get,
    path = "/api/v1/public/workspaces/{workspace}/collections/{collection}/documents",
    operation_id = "public.documents.list",
    tag = "public documents",
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
        ("collection" = CollectionName, Path, description = "The collection's name"),
        ("If-None-Match" = Option<String>, Header, description = "What the caller has already"),
        PublicQuery,
    ),
    responses(
        (status = OK, description = "A page of documents", body = Page<PublicDocument>, headers(
            ("etag" = String, description = "Of what it says"),
        )),
        (status = NOT_MODIFIED, description = "The caller has it already"),
        problem::Always, problem::Lookup,
    ),
    security(()),
    extensions(("x-breakwater-cacheable" = json!(true))),
)]
pub async fn list(
    State(app): State<AppState>,
    Path((workspace, collection)): Path<(Uuid, CollectionName)>,
    Query(query): Query<PublicQuery>,
    if_none_match: IfNoneMatch,
) -> Result<Response> {
    let mut tx = app.database.begin_read(&Scope::public(workspace)).await?;
    let shown = Shown::find(&mut tx, workspace, &collection).await?;
    let declared = shown.target.schema.declared();
    let filter = query.filter.as_deref().map(|text| Filter::parse(text, &declared, &[])).transpose()?;
    let sort = Sort::parse(query.sort.as_deref(), &declared)?;
    allow(&shown, filter.as_ref(), &sort)?;
    let order = Order::of(shown.target.id, query.filter.as_deref(), sort);
    let position = query.cursor.map(|cursor| order.position(&cursor)).transpose()?;
    let choice = shown.choice(filter)?;
    let rows = page::fetch(&mut tx, &choice, &order.sort, position.as_deref(), query.limit.and_one()).await?;
    drop(tx);
    let page = Page::of(rows, query.limit, |last| order.place(last));
    let items = page.items.into_iter().map(|row| shown.document(row, &collection)).collect();
    let page: Page<PublicDocument> = Page { items, next_cursor: page.next_cursor };
    shown.answer(&page, &if_none_match)
}

/// 403 if it is asked about what is not shown: fields that are hidden from anybody, and who wrote a document.
fn allow(shown: &Shown, filter: Option<&Filter>, sort: &Sort) -> Result<()> {
    let paths = filter.map(Filter::paths).unwrap_or_default();
    let hidden = paths.into_iter().chain(sort.paths()).find(|path| shown.rules.hides(path)).map(name);
    let who = |field: &SystemField| matches!(field, SystemField::CreatedBy | SystemField::UpdatedBy);
    let who = filter.and_then(|filter| filter.system().into_iter().find(who)).map(|field| field.name().to_owned());
    match hidden.or(who) {
        Some(field) => Err(Problem::forbidden().detail(format!("{field} is not public."))),
        None => Ok(()),
    }
}
