//! `GET …/collections/{collection}/documents`

use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::asked::Asked;
use super::collections::CollectionName;
use super::expand::Included;
use super::model::Row;
use super::order::Order;
use super::page;
use super::query::expansions;
use super::query::field::SystemField;
use super::query::fields::Fields;
use super::query::sort::Sort;
use crate::app::AppState;
use crate::http::{Cursor, Json, Limit, Page, Path, Query};
use crate::identity::Caller;
use crate::problem::{self, Result};

/// What a list of documents may be asked for. `docs/api-design.md` tells the languages of `filter`, `sort` and `fields`.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DocumentsQuery {
    /// How many documents a page holds.
    #[serde(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100, default = 50)]
    limit: Limit,
    /// The `next_cursor` of the page before; `filter` and `sort` must be the same as there.
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
    /// Which documents.
    #[param(example = r#"data.status eq "open" and (data.price lt 10 or data.tags contains "x")"#)]
    filter: Option<String>,
    /// In which order: names with commas between, a `-` before those that descend.
    #[param(example = "-created_at,data.price")]
    sort: Option<String>,
    /// Which fields of them.
    #[param(example = "data.title,updated_at")]
    fields: Option<String>,
    /// Which references are followed: what they name is in `included`.
    #[param(example = "data.customer")]
    expand: Option<String>,
}

/// A page of documents.
#[derive(Debug, Serialize, ToSchema)]
pub struct DocumentsPage {
    /// What is on it.
    items: Vec<ListedDocument>,
    /// Give it as `cursor` to get the next page; null on the last.
    #[schema(required = true)]
    next_cursor: Option<Cursor>,
    /// The documents that `expand` asks for, by their ids.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    included: Option<Included>,
}

/// A document, or the fields of it that were asked for.
#[derive(Debug, Serialize, ToSchema)]
pub struct ListedDocument {
    /// Its id.
    pub id: Uuid,
    /// The name of its collection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub collection: Option<String>,
    /// Rises with every change; its ETag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<i64>,
    /// When it was created.
    #[serde(skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    pub created_at: Option<OffsetDateTime>,
    /// When it was last changed.
    #[serde(skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    pub updated_at: Option<OffsetDateTime>,
    /// Who created it; null when that user is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Uuid>)]
    pub created_by: Option<Option<Uuid>>,
    /// Who last changed it; null when that user is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Uuid>)]
    pub updated_by: Option<Option<Uuid>>,
    /// What it holds, or the fields of that that were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Object, required = false)]
    pub data: Option<Value>,
}

/// List documents
///
/// Pages do not shift when documents come and go: a cursor names the place where a page ended. A document whose own
/// place changes while pages are turned may be seen twice or not at all, by every order but that of `id` and
/// `created_at`, which never change. Who may read single documents alone gets these.
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{workspace}/collections/{collection}/documents",
    operation_id = "documents.list",
    tag = "documents",
    security(("bearer" = [])),
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
        ("collection" = CollectionName, Path, description = "The collection's name"),
        DocumentsQuery,
    ),
    responses(
        (status = OK, description = "A page of documents", body = DocumentsPage),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup,
    ),
)]
pub async fn list(
    caller: Caller,
    State(app): State<AppState>,
    Path((workspace, collection)): Path<(Uuid, CollectionName)>,
    Query(query): Query<DocumentsQuery>,
) -> Result<Json<DocumentsPage>> {
    let mut tx = app.database.begin_read(&caller.scope().in_workspace(workspace)).await?;
    let asked = Asked::by(&caller, &mut tx, workspace, &collection, query.filter.as_deref()).await?;
    let target = &asked.target;
    let sort = Sort::parse(query.sort.as_deref(), &target.schema.declared())?;
    asked.allow(sort.paths())?;
    let fields = query.fields.as_deref().map(Fields::parse).transpose()?;
    let expand = query.expand.as_deref().map(expansions::parse).transpose()?;
    let order = Order::of(target.id, query.filter.as_deref(), sort);
    let position = query.cursor.map(|cursor| order.position(&cursor)).transpose()?;

    let limit = query.limit.and_one();
    let mut rows = page::fetch(&mut tx, &asked.choice, &order.sort, position.as_deref(), limit).await?;
    rows.iter_mut().for_each(|row| asked.rules.hide(&mut row.data));
    let page = Page::of(rows, query.limit, |last| order.place(last));
    let included = match &expand {
        Some(expand) => Some(Included::by(expand, &mut tx, &asked.access, workspace, target, &page.items).await?),
        None => None,
    };
    drop(tx);
    let items = page.items.into_iter().map(|row| ListedDocument::of(row, &collection, fields.as_ref())).collect();
    Ok(Json(DocumentsPage { items, next_cursor: page.next_cursor, included }))
}

impl ListedDocument {
    pub(super) fn of(row: Row, collection: &CollectionName, fields: Option<&Fields>) -> Self {
        let shows = |field| fields.is_none_or(|fields| fields.shows(field));
        let data = match fields {
            None => Some(row.data.0),
            Some(fields) => fields.of_data(&row.data),
        };
        Self {
            id: row.id,
            collection: fields.is_none().then(|| collection.as_str().to_owned()),
            version: shows(SystemField::Version).then_some(row.version),
            created_at: shows(SystemField::CreatedAt).then_some(row.created_at),
            updated_at: shows(SystemField::UpdatedAt).then_some(row.updated_at),
            created_by: shows(SystemField::CreatedBy).then_some(row.created_by),
            updated_by: shows(SystemField::UpdatedBy).then_some(row.updated_by),
            data,
        }
    }
}
