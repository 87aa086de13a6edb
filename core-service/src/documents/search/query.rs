//! `GET …/collections/{collection}/search`

use std::collections::BTreeMap;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, QueryBuilder, Row as _};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::form::Form;
use super::not_searched;
use crate::app::AppState;
use crate::documents::aggregate::{self, Aggregates};
use crate::documents::asked::Asked;
use crate::documents::collections::CollectionName;
use crate::documents::model::{Document, Row};
use crate::documents::page::Choice;
use crate::documents::query::groups::Figures;
use crate::http::{Cursor, Json, Limit, Page, Path, Query};
use crate::identity::Caller;
use crate::problem::{self, Problem, Result, kinds};
use crate::search::{Highlighted, Question, highlights};

/// How many facets may be asked for.
const MOST_FACETS: usize = 5;
/// How many values of each are told.
const MOST_VALUES: i64 = 20;

/// What may be searched for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SearchQuery {
    /// Words, all of which are to be found: in any of their forms, as beginnings of others, and if they are nearly spelt so.
    #[param(example = "20 m rope", max_length = 1000)]
    q: String,
    /// How many documents a page holds.
    #[serde(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100, default = 50)]
    limit: Limit,
    /// The `next_cursor` of the page before; all else must be the same as there.
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
    /// Among which documents.
    #[param(example = r#"data.status eq "open""#)]
    filter: Option<String>,
    /// Fields by whose values all that is found is counted, with commas between.
    #[param(example = "data.tags,data.status")]
    facets: Option<String>,
}

/// What was found.
#[derive(Debug, Serialize, ToSchema)]
pub struct SearchPage {
    /// The best first.
    items: Vec<Hit>,
    /// Give it as `cursor` to get the next page; null on the last.
    #[schema(required = true)]
    next_cursor: Option<Cursor>,
    /// For each field of `facets`, its most frequent values.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(required = false)]
    facets: BTreeMap<String, Aggregates>,
}

/// A document that was found.
#[derive(Debug, Serialize, ToSchema)]
pub struct Hit {
    /// The document.
    document: Document,
    /// How well it fits, to be compared within one search.
    score: i64,
    /// Where: excerpts, by the names of the fields. HTML in which only `<mark>` is no text.
    highlights: BTreeMap<String, Highlighted>,
}

/// What a cursor holds.
#[derive(Serialize, Deserialize)]
struct Position {
    #[serde(rename = "s")]
    score: i64,
    #[serde(rename = "i")]
    id: Uuid,
}

/// Search documents
///
/// In the fields that the collection's options name under `search`, best first. A write is found a moment later. What the caller may not
/// read is not found, nor is it counted.
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{workspace}/collections/{collection}/search",
    operation_id = "search.query",
    tag = "search",
    security(("bearer" = [])),
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
        ("collection" = CollectionName, Path, description = "The collection's name"),
        SearchQuery,
    ),
    responses(
        (status = OK, description = "A page of what was found", body = SearchPage),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup,
    ),
)]
pub async fn search(
    caller: Caller,
    State(app): State<AppState>,
    Path((workspace, collection)): Path<(Uuid, CollectionName)>,
    Query(query): Query<SearchQuery>,
) -> Result<Json<SearchPage>> {
    let mut tx = app.database.begin_read(&caller.scope().in_workspace(workspace)).await?;
    let mut asked = Asked::by(&caller, &mut tx, workspace, &collection, query.filter.as_deref()).await?;
    let search = asked.target.options.search.as_ref().ok_or_else(not_searched)?;
    let form = Form::of((workspace, asked.target.id), search, &asked.target.rules);
    let position: Option<Position> = query.cursor.as_ref().map(Cursor::position).transpose()?;
    let facets = query.facets.as_deref().map(|text| facets(&asked, text)).transpose()?.unwrap_or_default();
    let only = form.touches(&asked.rules).then(|| form.digest.clone());
    let question = Question::ask(&mut tx, asked.target.id, search.language, &query.q, only).await?;

    let found = best(&mut tx, &asked.choice, &question, position, query.limit.and_one()).await?;
    let page = Page::of(found, query.limit, |(row, score)| Position { score: *score, id: row.id });
    // The excerpts of all hits by one statement.
    let (mut items, mut texts, mut places) = (Vec::with_capacity(page.items.len()), Vec::new(), Vec::new());
    for (index, (mut row, score)) in page.items.into_iter().enumerate() {
        asked.rules.hide(&mut row.data);
        for (name, text) in form.texts(&row.data) {
            texts.push(text);
            places.push((index, name));
        }
        items.push(Hit { highlights: BTreeMap::new(), document: row.document(&collection), score });
    }
    for ((index, name), excerpt) in places.into_iter().zip(highlights(&mut tx, &question, &texts).await?) {
        if let (Some(hit), Some(excerpt)) = (items.get_mut(index), excerpt) {
            hit.highlights.insert(name, excerpt);
        }
    }
    asked.choice.question = Some(question);
    let mut counted = BTreeMap::new();
    for figures in facets {
        let aggregates = aggregate::figures(&mut tx, &asked.choice, &figures, MOST_VALUES).await?;
        counted.extend(figures.groups.into_iter().map(|group| group.name).zip([aggregates]));
    }
    Ok(Json(SearchPage { items, next_cursor: page.next_cursor, facets: counted }))
}

/// A question for figures for each facet.
fn facets(asked: &Asked, text: &str) -> Result<Vec<Figures>> {
    let mut facets = Vec::new();
    for field in text.split(',') {
        let figures = Figures::parse(Some(field.trim()), None, Some("-count"), &asked.target.schema.declared())?;
        asked.allow(figures.paths())?;
        facets.push(figures);
    }
    if facets.len() > MOST_FACETS {
        let detail = format!("`facets`: at most {MOST_FACETS} can be asked for.");
        return Err(Problem::new(&kinds::INVALID_QUERY).detail(detail));
    }
    Ok(facets)
}

/// Up to `limit` documents of a choice that a question finds, with their scores, the best first.
async fn best(
    tx: &mut PgConnection,
    choice: &Choice,
    question: &Question,
    after: Option<Position>,
    limit: i64,
) -> Result<Vec<(Row, i64)>> {
    let mut query =
        QueryBuilder::new("SELECT * FROM (SELECT id, version, created_at, updated_at, created_by, updated_by, data, ");
    question.push_score(&mut query);
    query.push(" AS score FROM ").push(choice.among.view()).push(" JOIN member_search ON search_id = id WHERE ");
    question.push(&mut query);
    query.push(" AND ");
    choice.push(&mut query);
    query.push(") AS found");
    if let Some(after) = after {
        query.push(" WHERE (score, id) < (").push_bind(after.score).push(", ").push_bind(after.id).push(")");
    }
    query.push(" ORDER BY score DESC, id DESC LIMIT ").push(limit);
    let rows = query.build().fetch_all(tx).await?;
    rows.iter().map(|row| Ok((sqlx::FromRow::from_row(row)?, row.try_get("score")?))).collect()
}
