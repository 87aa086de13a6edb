//! From a checked [`Filter`] to a condition in SQL. Values and names are always parameters.
//!
//! Equality and membership are asked as containment (`data @> …`), which the index on `data`
//! answers. `->` with a text parameter looks into objects only, as [`DataPath`] promises. `CASE`
//! keeps a cast from ever seeing a value of another type, which `AND` would not.

use super::{Across, Filter, Literal, Operand, Order};
use crate::documents::query::field::{DataPath, SystemField};
use serde_json::Value;
use sqlx::{Postgres, QueryBuilder, types::Json};

/// Appends the condition. It is true or false of every row, never null.
pub fn push(query: &mut QueryBuilder<Postgres>, filter: &Filter) {
    match filter {
        Filter::All(parts) => push_joined(query, parts, " AND ", push),
        Filter::Any(parts) => push_joined(query, parts, " OR ", push),
        Filter::Not(part) => {
            query.push("NOT ");
            push_joined(query, std::slice::from_ref(&**part), "", push);
        }
        Filter::In(operand, values) => push_joined(query, values, " OR ", |query, value| {
            push_equals(query, operand, value);
        }),
        Filter::Order(operand, order, value) => push_order(query, operand, *order, value),
        Filter::Contains { path, value, only_arrays } => push_contains(query, path, value, *only_arrays),
        Filter::Exists(path) => {
            push_path(query, path);
            query.push(" IS NOT NULL");
        }
        Filter::Across(across, within) => push_across(query, across, within),
    }
}

/// Appends whether the condition is true of a document that the field names. Inside, `id`, `data` and so on are that
/// document's: no column of `document_references` has such a name.
fn push_across(query: &mut QueryBuilder<Postgres>, across: &Across, within: &Filter) {
    query.push(
        "id IN (SELECT named.document_id FROM document_references AS named JOIN member_documents AS other \
         ON other.collection_id = named.target_collection_id AND other.id = named.target_id \
         WHERE named.target_collection_id = ",
    );
    query.push_bind(across.collection).push(" AND named.field = ").push_bind(across.field.clone()).push(" AND ");
    push(query, within);
    query.push(")");
}

/// Appends `(a OR b …)`.
fn push_joined<T>(
    query: &mut QueryBuilder<Postgres>,
    parts: &[T],
    separator: &str,
    push_part: impl Fn(&mut QueryBuilder<Postgres>, &T),
) {
    query.push("(");
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            query.push(separator);
        }
        push_part(query, part);
    }
    query.push(")");
}

/// Appends the value at a path, as `jsonb`, NULL if there is none.
pub(crate) fn push_path(query: &mut QueryBuilder<Postgres>, path: &DataPath) {
    query.push("(data");
    for segment in path.segments() {
        query.push(" -> ").push_bind(segment.clone());
    }
    query.push(")");
}

/// Appends the instant at a path, NULL if there is none.
pub(crate) fn push_instant(query: &mut QueryBuilder<Postgres>, path: &DataPath) {
    query.push("breakwater_instant(");
    push_path(query, path);
    query.push(" #>> '{}')");
}

fn push_equals(query: &mut QueryBuilder<Postgres>, operand: &Operand, value: &Literal) {
    match operand {
        Operand::System(field) => {
            let operator = if is_nullable(*field) { " IS NOT DISTINCT FROM " } else { " = " };
            query.push(field.name()).push(operator);
            push_literal(query, value);
        }
        Operand::Instant(path) if *value != Literal::Null => {
            query.push("coalesce(");
            push_instant(query, path);
            query.push(" = ");
            push_literal(query, value);
            query.push(", false)");
        }
        Operand::Instant(path) | Operand::Data(path) => {
            let around = path.around(json(value));
            query.push("data @> ").push_bind(Json(around));
        }
    }
}

fn push_order(query: &mut QueryBuilder<Postgres>, operand: &Operand, order: Order, value: &Literal) {
    let operator = match order {
        Order::Lt => " < ",
        Order::Le => " <= ",
        Order::Gt => " > ",
        Order::Ge => " >= ",
    };
    match (operand, value) {
        (Operand::System(field), value) => {
            query.push("coalesce(").push(field.name()).push(operator);
            push_literal(query, value);
            query.push(", false)");
        }
        (Operand::Instant(path), value) => {
            query.push("coalesce(");
            push_instant(query, path);
            query.push(operator);
            push_literal(query, value);
            query.push(", false)");
        }
        (Operand::Data(path), Literal::Number(_)) => {
            query.push("CASE jsonb_typeof(");
            push_path(query, path);
            query.push(") WHEN 'number' THEN ");
            push_path(query, path);
            query.push("::numeric").push(operator);
            push_literal(query, value);
            query.push(" ELSE false END");
        }
        (Operand::Data(path), value) => {
            query.push("CASE jsonb_typeof(");
            push_path(query, path);
            query.push(") WHEN 'string' THEN (");
            push_path(query, path);
            query.push(" #>> '{}') COLLATE \"C\"").push(operator);
            push_literal(query, value);
            query.push(" ELSE false END");
        }
    }
}

fn push_contains(query: &mut QueryBuilder<Postgres>, path: &DataPath, value: &Literal, only_arrays: bool) {
    let around = path.around(Value::Array(vec![json(value)]));
    query.push("(data @> ").push_bind(Json(around));
    if let Literal::String(part) = value
        && !only_arrays
    {
        query.push(" OR CASE jsonb_typeof(");
        push_path(query, path);
        query.push(") WHEN 'string' THEN strpos(");
        push_path(query, path);
        query.push(" #>> '{}', ").push_bind(part.clone());
        query.push(") > 0 ELSE false END");
    }
    query.push(")");
}

fn push_literal(query: &mut QueryBuilder<Postgres>, value: &Literal) {
    match value {
        Literal::Null => query.push("NULL"),
        Literal::Bool(value) => query.push_bind(*value),
        // As text, so that no digit is lost.
        Literal::Number(value) => query.push_bind(value.to_string()).push("::numeric"),
        Literal::String(value) => query.push_bind(value.clone()),
        Literal::Instant(value) => query.push_bind(*value),
        Literal::Id(value) => query.push_bind(*value),
        Literal::Integer(value) => query.push_bind(*value),
    };
}

fn json(value: &Literal) -> Value {
    match value {
        Literal::Null => Value::Null,
        Literal::Bool(value) => Value::Bool(*value),
        Literal::Number(value) => Value::Number(value.clone()),
        Literal::String(value) => Value::String(value.clone()),
        // Never compared as JSON: the parser gives these to other operands.
        Literal::Instant(value) => Value::String(value.to_string()),
        Literal::Id(value) => Value::String(value.to_string()),
        Literal::Integer(value) => Value::Number((*value).into()),
    }
}

/// Whether the column of a field may be null: its user may be gone.
fn is_nullable(field: SystemField) -> bool {
    matches!(field, SystemField::CreatedBy | SystemField::UpdatedBy)
}
