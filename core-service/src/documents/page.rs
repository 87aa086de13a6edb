//! One page of a collection, filtered and in order. Here, in `filter/sql.rs`, in `aggregate/sql.rs` and for searches SQL is put together
//! at run time, and nowhere else. What is put together are words of ours; names and values that came from a client are parameters, always.

use sqlx::{PgConnection, Postgres, QueryBuilder};
use uuid::Uuid;

use super::filter::{self, Filter};
use super::model::Row;
use super::query::field::SystemField;
use super::query::sort::{By, Key, Sort, Term, time_of};
use crate::access::{Access, Permission};
use crate::problem::Result;
use crate::search::Question;

/// Which documents of a collection there are to choose from.
#[derive(Debug, Clone, Copy)]
pub(super) enum Among {
    All,
    /// Those that are granted one by one.
    Granted,
    /// Those that everybody may read.
    Public,
}

impl Among {
    /// Those that a caller may read, if any.
    pub(super) fn of(access: &Access) -> Result<Self> {
        match access.allows(Permission::DocumentsRead) {
            true => Ok(Self::All),
            false if access.reads_parts() => Ok(Self::Granted),
            false => access.require(Permission::DocumentsRead).map(|()| Self::All),
        }
    }

    /// What they are read from.
    pub(super) fn view(self) -> &'static str {
        match self {
            Self::All | Self::Granted => "member_documents",
            Self::Public => "public_documents",
        }
    }
}

/// Documents of a collection.
#[derive(Debug)]
pub(super) struct Choice {
    pub(super) collection: Uuid,
    pub(super) among: Among,
    /// Which of these.
    pub(super) filter: Option<Filter>,
    /// Those of these in whose text this is found.
    pub(super) question: Option<Question>,
}

impl Choice {
    /// Appends the condition that a row is one of them.
    pub(super) fn push(&self, query: &mut QueryBuilder<Postgres>) {
        query.push("collection_id = ").push_bind(self.collection);
        if matches!(self.among, Among::Granted) {
            // The policy says the same, row by row. Said here, the index finds them.
            query.push(" AND id = ANY ((SELECT breakwater_granted('documents:read', 'document'))::uuid[])");
        }
        if let Some(filter) = &self.filter {
            query.push(" AND ");
            filter::sql::push(query, filter);
        }
        if let Some(question) = &self.question {
            query.push(" AND id IN (SELECT search_id FROM member_search WHERE ");
            question.push(query);
            query.push(")");
        }
    }
}

/// Up to `limit` documents after `position`, which must fit `sort`.
pub(super) async fn fetch(
    connection: &mut PgConnection,
    choice: &Choice,
    sort: &Sort,
    position: Option<&[Key]>,
    limit: i64,
) -> Result<Vec<Row>> {
    let mut query = QueryBuilder::new("SELECT id, version, created_at, updated_at, created_by, updated_by, data FROM ");
    query.push(choice.among.view()).push(" WHERE ");
    choice.push(&mut query);
    if let Some(position) = position {
        query.push(" AND ");
        push_after(&mut query, sort.terms(), position);
    }
    query.push(" ORDER BY ");
    for (index, term) in sort.terms().iter().enumerate() {
        query.push(if index == 0 { "" } else { ", " });
        push_order(&mut query, term);
    }
    // Not bound: the plan depends on it.
    query.push(" LIMIT ").push(limit);
    Ok(query.build_query_as().fetch_all(connection).await?)
}

/// Where a document stands in an order.
pub(super) fn position(row: &Row, sort: &Sort) -> Vec<Key> {
    let key = |term: &Term| match &term.by {
        By::Id => Key::Id(row.id),
        By::Version => Key::Version(row.version),
        By::Time(SystemField::CreatedAt) => Key::Time(filter::instant::micros(row.created_at)),
        By::Time(_) => Key::Time(filter::instant::micros(row.updated_at)),
        By::Data(path, kind) => Key::of_data(path.of(&row.data), *kind),
    };
    sort.terms().iter().map(key).collect()
}

/// Appends the condition that a row comes after `position`.
fn push_after(query: &mut QueryBuilder<Postgres>, terms: &[Term], position: &[Key]) {
    let descending = terms.first().is_some_and(|term| term.descending);
    if terms.iter().all(|term| term.descending == descending) {
        // One comparison of rows, which an index can answer.
        push_comparison(query, terms, if descending { " < " } else { " > " }, position);
        return;
    }
    query.push("(");
    for (index, term) in terms.iter().enumerate() {
        if index > 0 {
            query.push(" OR (");
            push_comparison(query, &terms[..index], " = ", position);
            query.push(" AND ");
        }
        let operator = if term.descending { " < " } else { " > " };
        push_comparison(query, std::slice::from_ref(term), operator, &position[index..]);
        query.push(if index > 0 { ")" } else { "" });
    }
    query.push(")");
}

/// Appends `(columns) operator (values)`.
fn push_comparison(query: &mut QueryBuilder<Postgres>, terms: &[Term], operator: &str, position: &[Key]) {
    query.push("(");
    for (index, term) in terms.iter().enumerate() {
        query.push(if index == 0 { "" } else { ", " });
        push_columns(query, &term.by, "");
    }
    query.push(")").push(operator).push("(");
    for (index, (_, key)) in terms.iter().zip(position).enumerate() {
        query.push(if index == 0 { "" } else { ", " });
        push_key(query, key);
    }
    query.push(")");
}

fn push_order(query: &mut QueryBuilder<Postgres>, term: &Term) {
    push_columns(query, &term.by, if term.descending { " DESC" } else { "" });
}

/// Appends what a term compares, each column with `suffix`. The columns of values in `data` are those of
/// [`Key::Data`].
fn push_columns(query: &mut QueryBuilder<Postgres>, by: &By, suffix: &str) {
    match by {
        By::Id => query.push("id").push(suffix),
        By::Version => query.push("version").push(suffix),
        By::Time(field) => query.push(field.name()).push(suffix),
        By::Data(path, kind) => {
            query.push("breakwater_sort_rank(");
            filter::sql::push_path(query, path);
            query.push(")").push(suffix).push(", breakwater_sort_number(");
            filter::sql::push_path(query, path);
            query.push(if kind.is_instant() { ", true)" } else { ", false)" });
            query.push(suffix).push(", breakwater_sort_text(");
            filter::sql::push_path(query, path);
            query.push(") COLLATE \"C\"").push(suffix)
        }
    };
}

fn push_key(query: &mut QueryBuilder<Postgres>, key: &Key) {
    match key {
        Key::Id(id) => query.push_bind(*id),
        Key::Version(version) => query.push_bind(*version),
        Key::Time(micros) => query.push_bind(time_of(*micros)),
        Key::Data(rank, number, text) => {
            query.push_bind(*rank).push(", ");
            query.push_bind(number.clone()).push("::numeric, ");
            query.push_bind(text.clone())
        }
    };
}
