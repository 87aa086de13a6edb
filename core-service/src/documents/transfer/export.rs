//! `GET …/collections/{collection}/documents/export`: streamed.

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use http::header;
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::Format;
use super::columns::{Column, cell, declared};
use crate::app::AppState;
use crate::documents::asked::Asked;
use crate::documents::collections::CollectionName;
use crate::documents::list::ListedDocument;
use crate::documents::model::Row;
use crate::documents::order::Order;
use crate::documents::page;
use crate::documents::query::fields::Fields;
use crate::documents::query::sort::{Key, Sort};
use crate::http::{Path, Query};
use crate::identity::Caller;
use crate::problem::{self, Problem, Result};

/// How many documents are held in memory at once.
const PIECE: i64 = 500;

/// What may be asked for: see `documents.list`.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ExportQuery {
    /// How they are written down.
    #[serde(default)]
    #[param(inline)]
    format: Format,
    /// Which documents.
    #[param(example = r#"data.status eq "open""#)]
    filter: Option<String>,
    /// In which order: names with commas between, a `-` before those that descend.
    #[param(example = "created_at")]
    sort: Option<String>,
    /// Which fields of them. A table has those that the schema names if it is not said.
    #[param(example = "data.title,updated_at")]
    fields: Option<String>,
}

/// Export documents
///
/// All that are asked for and that the caller may read, from the first line to the last: who loses the right meanwhile gets no more.
/// Documents that are written meanwhile are there as they were or as they are. In a table, arrays and objects are JSON.
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{workspace}/collections/{collection}/documents/export",
    operation_id = "documents.export",
    tag = "documents",
    security(("bearer" = [])),
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
        ("collection" = CollectionName, Path, description = "The collection's name"),
        ExportQuery,
    ),
    responses(
        (status = OK, description = "JSON Lines, or CSV with a line of names", content(
            (String = "application/jsonl"),
            (String = "text/csv"),
        )),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup,
    ),
)]
pub async fn export(
    caller: Caller,
    State(app): State<AppState>,
    Path((workspace, collection)): Path<(Uuid, CollectionName)>,
    Query(query): Query<ExportQuery>,
) -> Result<Response> {
    let (kind, name) = match query.format {
        Format::Jsonl => ("application/jsonl", "jsonl"),
        Format::Csv => ("text/csv; charset=utf-8", "csv"),
    };
    let disposition = format!("attachment; filename=\"{}.{name}\"", collection.as_str());
    let mut export = Export { app, caller, workspace, collection, query, position: None, begun: false };
    // The first piece before the answer: what is wrong is told as a problem.
    let first = export.piece().await?;
    let begin = (first, Some(export));
    let pieces = stream::try_unfold(begin, |(ready, export)| async move {
        match (ready, export) {
            (Some(bytes), export) => Ok(Some((bytes, (None, export)))),
            (None, None) => Ok(None),
            (None, Some(mut export)) => match export.piece().await {
                Ok(Some(bytes)) => Ok(Some((bytes, (None, Some(export))))),
                Ok(None) => Ok(None),
                Err(problem) => Err(std::io::Error::other(problem)),
            },
        }
    });
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_DISPOSITION, &disposition),
    ];
    Ok((headers, Body::from_stream(pieces)).into_response())
}

struct Export {
    app: AppState,
    caller: Caller,
    workspace: Uuid,
    collection: CollectionName,
    query: ExportQuery,
    position: Option<Vec<Key>>,
    begun: bool,
}

impl Export {
    /// The next lines, none at the end. A transaction for each piece: a client that reads slowly holds no connection.
    async fn piece(&mut self) -> Result<Option<Bytes>> {
        if self.begun && self.position.is_none() {
            return Ok(None);
        }
        let mut tx = self.app.database.begin_read(&self.caller.scope().in_workspace(self.workspace)).await?;
        let filter = self.query.filter.as_deref();
        let asked = Asked::by(&self.caller, &mut tx, self.workspace, &self.collection, filter).await?;
        let sort = Sort::parse(self.query.sort.as_deref(), &asked.target.schema.declared())?;
        asked.allow(sort.paths())?;
        let order = Order::of(asked.target.id, filter, sort);
        let fields = self.query.fields.as_deref().map(Fields::parse).transpose()?;
        let mut rows = page::fetch(&mut tx, &asked.choice, &order.sort, self.position.as_deref(), PIECE).await?;
        drop(tx);
        let last = rows.last().filter(|_| rows.len() as i64 == PIECE);
        self.position = last.map(|last| page::position(last, &order.sort));
        rows.iter_mut().for_each(|row| asked.rules.hide(&mut row.data));
        let bytes = match self.query.format {
            Format::Jsonl => lines(rows, &self.collection, fields.as_ref())?,
            Format::Csv => table(&rows, &columns(&asked, fields.as_ref()), fields.as_ref(), !self.begun)?,
        };
        self.begun = true;
        Ok(Some(bytes.into()))
    }
}

fn columns(asked: &Asked, fields: Option<&Fields>) -> Vec<Column> {
    let mut columns = declared(&asked.target.schema);
    if let Some(fields) = fields {
        columns.retain(|column| fields.data().iter().any(|path| column.path.segments().starts_with(path.segments())));
    }
    columns.retain(|column| !asked.rules.hides(&column.path));
    columns
}

fn lines(rows: Vec<Row>, collection: &CollectionName, fields: Option<&Fields>) -> Result<Vec<u8>> {
    let mut lines = Vec::new();
    for row in rows {
        serde_json::to_writer(&mut lines, &ListedDocument::of(row, collection, fields)).map_err(Problem::internal)?;
        lines.push(b'\n');
    }
    Ok(lines)
}

/// Rows of a table: the fields that every document has, then the columns.
fn table(rows: &[Row], columns: &[Column], fields: Option<&Fields>, head: bool) -> Result<Vec<u8>> {
    use crate::documents::query::field::SystemField::{CreatedAt, CreatedBy, Id, UpdatedAt, UpdatedBy, Version};
    let shown = [Id, Version, CreatedAt, UpdatedAt, CreatedBy, UpdatedBy].into_iter();
    let shown: Vec<_> = shown.filter(|field| fields.is_none_or(|fields| fields.shows(*field))).collect();
    let mut table = csv::Writer::from_writer(Vec::new());
    if head {
        let names = shown.iter().map(|field| field.name()).chain(columns.iter().map(|column| column.name.as_str()));
        table.write_record(names).map_err(Problem::internal)?;
    }
    for row in rows {
        let time = |time: time::OffsetDateTime| {
            time.format(&time::format_description::well_known::Rfc3339).map_err(Problem::internal)
        };
        let user = |user: Option<Uuid>| user.map(|user| user.to_string()).unwrap_or_default();
        let mut record = Vec::with_capacity(shown.len() + columns.len());
        for field in &shown {
            record.push(match field {
                Id => row.id.to_string(),
                Version => row.version.to_string(),
                CreatedAt => time(row.created_at)?,
                UpdatedAt => time(row.updated_at)?,
                CreatedBy => user(row.created_by),
                UpdatedBy => user(row.updated_by),
            });
        }
        record.extend(columns.iter().map(|column| cell(column.path.of(&row.data))));
        table.write_record(record).map_err(Problem::internal)?;
    }
    table.into_inner().map_err(Problem::internal)
}
