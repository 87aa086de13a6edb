//! `GET …/collections/{collection}/documents/aggregate`: figures about documents, not documents.

mod sql;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sqlx::PgConnection;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::asked::Asked;
use super::collections::CollectionName;
use super::page::Choice;
use super::query::groups::{Figures, Named};
use crate::app::AppState;
use crate::http::{Json, Limit, Path, Query};
use crate::identity::Caller;
use crate::problem::{self, Result};

/// What may be asked. `docs/api-design.md` tells the languages.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AggregateQuery {
    /// How many groups the answer holds.
    #[serde(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000, default = 50)]
    limit: Limit<1000>,
    /// Which documents.
    #[param(example = r#"data.status ne "closed""#)]
    filter: Option<String>,
    /// What the documents of a group have in common; all are one group if it is not said.
    #[param(example = "data.status,month(created_at)")]
    group_by: Option<String>,
    /// What is told of each group.
    #[param(example = "count,sum(data.price)")]
    values: Option<String>,
    /// In which order: names from the other two, a `-` before those that descend.
    #[param(example = "-count")]
    sort: Option<String>,
}

/// Figures about documents.
#[derive(Debug, Serialize, ToSchema)]
pub struct Aggregates {
    /// The groups. Without `group_by` there is one, also of no documents.
    groups: Vec<Aggregate>,
    /// Whether these are all.
    complete: bool,
}

/// Figures about the documents that have something in common.
#[derive(Debug, Serialize, ToSchema)]
pub struct Aggregate {
    /// What they have in common, by the terms of `group_by`. What they do not have is not there.
    #[schema(value_type = Object, example = json!({"data.status": "open"}))]
    by: Map<String, Value>,
    /// The figures, by the terms of `values`; null where there is nothing to tell one from.
    #[schema(value_type = Object, example = json!({"count": 3, "sum(data.price)": 37.5}))]
    values: Map<String, Value>,
}

/// Count, add up and group documents
///
/// Figures about the documents that the caller may read. A document is in one group, but in that of each different element where the
/// schema declares the field to be an array. Strings count as far as their first 200 characters, spans of time are in UTC.
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{workspace}/collections/{collection}/documents/aggregate",
    operation_id = "documents.aggregate",
    tag = "documents",
    security(("bearer" = [])),
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
        ("collection" = CollectionName, Path, description = "The collection's name"),
        AggregateQuery,
    ),
    responses(
        (status = OK, description = "The figures", body = Aggregates),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup,
    ),
)]
pub async fn aggregate(
    caller: Caller,
    State(app): State<AppState>,
    Path((workspace, collection)): Path<(Uuid, CollectionName)>,
    Query(query): Query<AggregateQuery>,
) -> Result<Json<Aggregates>> {
    let mut tx = app.database.begin_read(&caller.scope().in_workspace(workspace)).await?;
    let asked = Asked::by(&caller, &mut tx, workspace, &collection, query.filter.as_deref()).await?;
    let [group_by, values, sort] = [&query.group_by, &query.values, &query.sort].map(Option::as_deref);
    let figures = Figures::parse(group_by, values, sort, &asked.target.schema.declared())?;
    asked.allow(figures.paths())?;
    self::figures(&mut tx, &asked.choice, &figures, query.limit.most()).await.map(Json)
}

/// Figures about a choice of documents: up to `most` groups.
pub(super) async fn figures(
    tx: &mut PgConnection,
    choice: &Choice,
    figures: &Figures,
    most: i64,
) -> Result<Aggregates> {
    let mut rows = sql::fetch(tx, choice, figures, most + 1).await?;
    let complete = rows.len() as i64 <= most;
    rows.truncate(usize::try_from(most).unwrap_or_default());
    let groups = rows.into_iter().map(|(groups, values)| Aggregate {
        by: named(&figures.groups, groups).filter_map(|(name, value)| Some((name, value?))).collect(),
        values: named(&figures.values, values).map(|(name, value)| (name, value.unwrap_or_default())).collect(),
    });
    Ok(Aggregates { groups: groups.collect(), complete })
}

fn named<T>(terms: &[Named<T>], values: Vec<Option<Value>>) -> impl Iterator<Item = (String, Option<Value>)> {
    terms.iter().map(|term| term.name.clone()).zip(values)
}
