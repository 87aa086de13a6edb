//! From checked [`Figures`] to SQL. As in a list, what comes from a client are parameters, always. Every column is `jsonb`,
//! NULL where a document does not have the field or there is nothing to tell a figure from.

use serde_json::Value;
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use sqlx::{PgConnection, Postgres, QueryBuilder, Row};

use crate::documents::filter::{self, sql::push_path};
use crate::documents::page::Choice;
use crate::documents::query::field::DataPath;
use crate::documents::query::groups::{Extent, Extreme, Figures, Group, Instant, Measure, Place, Span};
use crate::problem::Result;

/// A group's columns and its figures.
type Aggregate = (Vec<Option<Value>>, Vec<Option<Value>>);

/// Up to `limit` groups.
pub(super) async fn fetch(
    connection: &mut PgConnection,
    choice: &Choice,
    figures: &Figures,
    limit: i64,
) -> Result<Vec<Aggregate>> {
    let mut query = QueryBuilder::new("SELECT * FROM (SELECT ");
    for (index, group) in figures.groups.iter().enumerate() {
        query.push(if index == 0 { "" } else { ", " });
        push_group(&mut query, &group.term);
        query.push(" AS c").push(index);
    }
    for (index, value) in figures.values.iter().enumerate() {
        let column = figures.groups.len() + index;
        query.push(if column == 0 { "" } else { ", " });
        push_measure(&mut query, &value.term);
        query.push(" AS c").push(column);
    }
    query.push(" FROM ").push(choice.among.view());
    for group in &figures.groups {
        if let Group::Elements(path) = &group.term {
            push_elements(&mut query, path);
        }
    }
    query.push(" WHERE ");
    choice.push(&mut query);
    for index in 0..figures.groups.len() {
        // By their numbers: two expressions with parameters are never the same to PostgreSQL.
        query.push(if index == 0 { " GROUP BY " } else { ", " }).push(index + 1);
    }
    query.push(") AS figures");
    for (index, place) in figures.order.iter().enumerate() {
        query.push(if index == 0 { " ORDER BY " } else { ", " });
        push_order(&mut query, *place);
    }
    query.push(" LIMIT ").push(limit);
    let rows = query.build().fetch_all(connection).await?;
    rows.iter().map(|row| columns(row, figures)).collect()
}

fn columns(row: &PgRow, figures: &Figures) -> Result<Aggregate> {
    let column = |index| -> Result<Option<Value>> {
        let value: Option<Json<Value>> = row.try_get(index)?;
        Ok(value.map(|value| value.0))
    };
    let groups = figures.groups.len();
    let values = (groups..groups + figures.values.len()).map(column).collect::<Result<_>>()?;
    Ok(((0..groups).map(column).collect::<Result<_>>()?, values))
}

fn push_group(query: &mut QueryBuilder<Postgres>, group: &Group) {
    match group {
        Group::System(field) => {
            query.push("to_jsonb(").push(field.name()).push(")");
        }
        Group::Data(path) => push_scalar(query, |query| push_path(query, path)),
        Group::Elements(_) => {
            query.push("elements.value");
        }
        Group::Span(span, instant) => {
            query.push("to_jsonb(to_char(date_trunc('").push(match span {
                Span::Year => "year",
                Span::Month => "month",
                Span::Day => "day",
                Span::Hour => "hour",
            });
            query.push("', ");
            push_instant(query, instant);
            query.push(" AT TIME ZONE 'UTC'), 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'))");
        }
    }
}

/// Appends a value as a group shows it: never larger than a short string.
fn push_scalar(query: &mut QueryBuilder<Postgres>, push_value: impl Fn(&mut QueryBuilder<Postgres>)) {
    query.push("CASE jsonb_typeof(");
    push_value(query);
    query.push(") WHEN 'string' THEN to_jsonb(left(");
    push_value(query);
    query.push(" #>> '{}', 200)) WHEN 'array' THEN '[]' WHEN 'object' THEN '{}' ELSE ");
    push_value(query);
    query.push(" END");
}

/// Appends a join that gives a document a row for each different element of the array, one if it has none.
fn push_elements(query: &mut QueryBuilder<Postgres>, path: &DataPath) {
    query.push(" LEFT JOIN LATERAL (SELECT DISTINCT ");
    push_scalar(query, |query| {
        query.push("element.value");
    });
    query.push(" AS value FROM jsonb_array_elements(CASE jsonb_typeof(");
    push_path(query, path);
    query.push(") WHEN 'array' THEN ");
    push_path(query, path);
    query.push(" ELSE '[]' END) AS element) AS elements ON true");
}

fn push_measure(query: &mut QueryBuilder<Postgres>, measure: &Measure) {
    match measure {
        Measure::Count => {
            query.push("to_jsonb(count(*))");
        }
        Measure::CountOf(path) => {
            query.push("to_jsonb(count(nullif(");
            push_path(query, path);
            query.push(", 'null')))");
        }
        Measure::Sum(path) => push_of_numbers(query, "to_jsonb(sum(", path),
        Measure::Mean(path) => push_of_numbers(query, "to_jsonb(avg(", path),
        Measure::Extreme(extreme, Extent::Version) => {
            query.push("to_jsonb(").push(function(*extreme)).push("version))");
        }
        Measure::Extreme(extreme, Extent::Instant(instant)) => {
            query.push("to_jsonb(to_char(").push(function(*extreme));
            push_instant(query, instant);
            query.push(") AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'))");
        }
        // As in the order of lists, numbers come before strings.
        Measure::Extreme(extreme, Extent::Data(path)) => {
            query.push("coalesce(");
            match extreme {
                Extreme::Min => {
                    push_of_numbers(query, "to_jsonb(min(", path);
                    query.push(", ");
                    push_of_strings(query, "to_jsonb(min(", path);
                }
                Extreme::Max => {
                    push_of_strings(query, "to_jsonb(max(", path);
                    query.push(", ");
                    push_of_numbers(query, "to_jsonb(max(", path);
                }
            }
            query.push(")");
        }
    }
}

fn function(extreme: Extreme) -> &'static str {
    match extreme {
        Extreme::Min => "min(",
        Extreme::Max => "max(",
    }
}

fn push_of_numbers(query: &mut QueryBuilder<Postgres>, function: &str, path: &DataPath) {
    query.push(function).push("CASE jsonb_typeof(");
    push_path(query, path);
    query.push(") WHEN 'number' THEN ");
    push_path(query, path);
    query.push("::numeric END))");
}

fn push_of_strings(query: &mut QueryBuilder<Postgres>, function: &str, path: &DataPath) {
    query.push(function).push("CASE jsonb_typeof(");
    push_path(query, path);
    query.push(") WHEN 'string' THEN left(");
    push_path(query, path);
    query.push(" #>> '{}', 200) END COLLATE \"C\"))");
}

fn push_instant(query: &mut QueryBuilder<Postgres>, instant: &Instant) {
    match instant {
        Instant::System(field) => {
            query.push(field.name());
        }
        Instant::Data(path) => filter::sql::push_instant(query, path),
    }
}

/// Appends a column as lists order values.
fn push_order(query: &mut QueryBuilder<Postgres>, place: Place) {
    let direction = if place.descending { " DESC" } else { "" };
    for (index, (before, after)) in
        [("rank(", ")"), ("number(", ", false)"), ("text(", ") COLLATE \"C\"")].into_iter().enumerate()
    {
        query.push(if index == 0 { "" } else { ", " }).push("breakwater_sort_").push(before);
        query.push("c").push(place.column).push(after).push(direction);
    }
}
