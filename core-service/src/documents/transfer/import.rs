//! `POST …/collections/{collection}/documents/import`

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::types::Json as Jsonb;
use sqlx::{Connection, PgConnection};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::Format;
use super::rows::{self, Incoming};
use crate::access::{Permission, Resource, authorize_on};
use crate::app::AppState;
use crate::documents::collections::{CollectionName, Target};
use crate::documents::places::path;
use crate::documents::query::field::DataPath;
use crate::documents::rules::Applied;
use crate::documents::write::merge_patch;
use crate::documents::write::{Change, Place};
use crate::http::{IfMatch, Json, Path, Query, body, has_media_type};
use crate::identity::Caller;
use crate::problem::{self, Problem, ProblemBody, Result, kinds};

/// How many rows are written in one transaction.
const ROUND: usize = 100;
/// How many rows that failed are told of.
const MOST_ERRORS: usize = 100;

/// How a file is read.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ImportQuery {
    /// By what a row names a document that is there: `id`, or a field that is unique in the collection. Every row makes a new document if it
    /// is not said.
    #[param(example = "data.number")]
    key: Option<String>,
    /// What becomes of a document that is there.
    #[serde(default)]
    #[param(inline)]
    on_match: OnMatch,
}

/// What becomes of a document that is there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnMatch {
    /// What the row has is merged into it (RFC 7396).
    #[default]
    Merge,
    /// Its data becomes what the row has.
    Replace,
    /// It stays as it is.
    Skip,
}

/// What became of a file.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct Imported {
    /// Its rows.
    rows: usize,
    /// Documents that were created.
    created: usize,
    /// Documents that were changed.
    changed: usize,
    /// Documents that are as they were.
    unchanged: usize,
    /// Rows that could not be written.
    failed: usize,
    /// The first hundred of these.
    errors: Vec<FailedRow>,
}

/// A row that could not be written.
#[derive(Debug, Serialize, ToSchema)]
pub struct FailedRow {
    /// Which: 1 is the first below a table's head.
    row: usize,
    /// Why.
    #[schema(value_type = ProblemBody)]
    problem: Value,
}

/// Import documents
///
/// A file of CSV or JSON Lines with up to 5000 rows, as the export has them. Each row is a write of its own, and one that cannot be
/// written leaves the others alone; the answer tells of all. With `key`, the same file can be sent again: what it has brought is found, and
/// stays as it is. Other fields than those of `data` are not written.
#[utoipa::path(
    post,
    path = "/api/v1/workspaces/{workspace}/collections/{collection}/documents/import",
    operation_id = "documents.import",
    tag = "documents",
    security(("bearer" = [])),
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
        ("collection" = CollectionName, Path, description = "The collection's name"),
        ImportQuery,
    ),
    request_body(content(
        (String = "application/jsonl", example = "{\"data\": {\"title\": \"Rope\", \"price\": 12.5}}\n"),
        (String = "text/csv", example = "data.title,data.price\nRope,12.5\n"),
    )),
    responses(
        (status = OK, description = "What became of the rows", body = Imported),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup, problem::Body,
    ),
)]
pub async fn import(
    caller: Caller,
    State(app): State<AppState>,
    Path((workspace, collection)): Path<(Uuid, CollectionName)>,
    Query(query): Query<ImportQuery>,
    request: Request,
) -> Result<Response> {
    let scope = caller.scope().in_workspace(workspace);
    let mut tx = app.database.begin_read(&scope).await?;
    let resource = Resource::Collection(collection.as_str());
    let access = authorize_on(&mut tx, &caller, workspace, Permission::DocumentsWrite, resource).await?;
    let target = Target::for_reading(&mut tx, workspace, &collection).await?;
    drop(tx);
    let format = format(&request)?;
    let bytes = body(request, &app).await?;
    let rules = Applied::to(&target.rules, &access);
    let key = query.key.as_deref().map(|name| Key::read(name, &target)).transpose()?;
    if let Some(Key::Field(path)) = &key {
        rules.allow_query(&access, [path])?;
    }
    let mut rows = rows::read(&bytes, format, &target.schema)?.into_iter().enumerate();

    let place = Place { caller: &caller, workspace, collection: &collection };
    let matching = Matching { collection: target.id, key, on_match: query.on_match, rules };
    let mut refused = None;
    let mut imported = Imported::default();
    loop {
        let round: Vec<_> = rows.by_ref().take(ROUND).collect();
        if round.is_empty() {
            let mut answer = Json(imported).into_response();
            // One entry of the trail tells of all that this request was refused.
            if let Some(refused) = refused {
                answer.extensions_mut().insert(refused);
            }
            return Ok(answer);
        }
        let mut tx = app.database.begin(&scope).await?;
        for (index, row) in round {
            imported.rows += 1;
            let written = match row {
                Ok(row) => matching.write(&mut tx, &place, row).await,
                Err(problem) => Err(problem),
            };
            match written {
                Ok(Written::Created) => imported.created += 1,
                Ok(Written::Changed) => imported.changed += 1,
                Ok(Written::Unchanged) => imported.unchanged += 1,
                // Ours, not this row's: what was written in rounds before stands, and the file can be sent again.
                Err(problem) if problem.kind().status.is_server_error() => return Err(problem),
                Err(mut problem) => {
                    refused = refused.or(problem.take_refused());
                    imported.fail(index + 1, &problem);
                }
            }
        }
        tx.commit().await?;
        app.written.tell();
    }
}

fn format(request: &Request) -> Result<Format> {
    let is = |kinds: fn(&str) -> bool| has_media_type(request.headers(), kinds);
    if is(|essence| essence == "text/csv") {
        Ok(Format::Csv)
    } else if is(|essence| matches!(essence, "application/jsonl" | "application/x-ndjson" | "application/x-jsonlines"))
    {
        Ok(Format::Jsonl)
    } else {
        let detail = "A file is sent as text/csv or application/jsonl.";
        Err(Problem::new(&kinds::UNSUPPORTED_MEDIA_TYPE).detail(detail))
    }
}

/// By what rows name documents.
enum Key {
    Id,
    Field(DataPath),
}

impl Key {
    /// 400 unless it can name no two documents.
    fn read(name: &str, target: &Target) -> Result<Self> {
        if name == "id" {
            return Ok(Self::Id);
        }
        let unique = target.options.unique.iter().any(|unique| unique.fields == [name]);
        path(name).filter(|_| unique).map(Self::Field).ok_or_else(|| {
            let detail = format!("`key`: {name:?} is neither `id` nor a unique field of the collection.");
            Problem::new(&kinds::INVALID_QUERY).detail(detail)
        })
    }

    /// The document that a row names, if it is there and may be read.
    async fn find(&self, tx: &mut PgConnection, collection: Uuid, row: &Incoming) -> Result<Option<(Uuid, Value)>> {
        let (id, around) = match self {
            Self::Id => match row.id.as_deref().map(str::parse::<Uuid>) {
                None => return Ok(None),
                Some(Ok(id)) => (Some(id), json!({})),
                Some(Err(_)) => return Err(Problem::invalid_field("/id", "format", "must be a document's id")),
            },
            Self::Field(path) => match path.of(&row.data) {
                None | Some(Value::Null) => return Ok(None),
                Some(value) => (None, path.around(value.clone())),
            },
        };
        let found = sqlx::query!(
            r#"SELECT id AS "id!", data AS "data!: Jsonb<Value>" FROM member_documents
               WHERE collection_id = $1 AND ($2::uuid IS NULL OR id = $2) AND data @> $3 LIMIT 1"#,
            collection,
            id,
            around
        );
        let found = found.fetch_optional(&mut *tx).await?.map(|found| (found.id, found.data.0));
        match (self, found) {
            // A new document gets an id of its own: one that is named and not there was meant.
            (Self::Id, None) => Err(Problem::not_found()),
            (_, found) => Ok(found),
        }
    }
}

enum Written {
    Created,
    Changed,
    Unchanged,
}

/// What a row has to do with documents that are there.
struct Matching {
    collection: Uuid,
    key: Option<Key>,
    on_match: OnMatch,
    rules: Applied,
}

impl Matching {
    /// Writes a row, in a savepoint: one that cannot be written leaves nothing.
    async fn write(&self, tx: &mut PgConnection, place: &Place<'_>, row: Incoming) -> Result<Written> {
        let found = match &self.key {
            Some(key) => key.find(tx, self.collection, &row).await?,
            None => None,
        };
        let mut part = tx.begin().await?;
        let Some((id, mut before)) = found else {
            place.create(&mut part, row.data).await?;
            part.commit().await?;
            return Ok(Written::Created);
        };
        // Whether a row changes something tells nothing of what is hidden.
        self.rules.hide(&mut before);
        let change = match self.on_match {
            OnMatch::Skip => return Ok(Written::Unchanged),
            OnMatch::Merge => {
                let mut after = before.clone();
                merge_patch::apply(&mut after, row.data.clone());
                (after != before).then_some(Change::Merge(row.data))
            }
            OnMatch::Replace => (row.data != before).then_some(Change::Replace(row.data)),
        };
        let Some(change) = change else { return Ok(Written::Unchanged) };
        place.change(&mut part, id, &IfMatch::default(), change).await?;
        part.commit().await?;
        Ok(Written::Changed)
    }
}

impl Imported {
    fn fail(&mut self, row: usize, problem: &Problem) {
        self.failed += 1;
        if self.errors.len() < MOST_ERRORS {
            self.errors.push(FailedRow { row, problem: json!(problem.body()) });
        }
    }
}
