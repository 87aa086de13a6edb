//! The columns of a table of documents: fields that every document has, and those that the schema names.

use serde_json::Value;

use crate::documents::places::{path, place};
use crate::documents::query::field::{DataPath, SystemField};
use crate::documents::schema::Schema;

/// A field of a document's data, and of which type its schema says that it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) path: DataPath,
    pub(super) name: String,
    types: Vec<String>,
}

/// The fields that the schema names, along `properties`: objects by what is in them.
pub(super) fn declared(schema: &Schema) -> Vec<Column> {
    let mut columns = Vec::new();
    descend(schema.source(), &mut Vec::new(), &mut columns);
    columns
}

fn descend(schema: &Value, at: &mut Vec<String>, columns: &mut Vec<Column>) {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return };
    for (key, inner) in properties {
        at.push(key.clone());
        if inner.get("properties").is_some() {
            descend(inner, at, columns);
        } else {
            columns.push(Column::new(DataPath::new(at.iter().cloned()), inner));
        }
        at.pop();
    }
}

impl Column {
    fn new(path: DataPath, schema: &Value) -> Self {
        let types = match schema.get("type") {
            Some(Value::String(one)) => vec![one.clone()],
            Some(Value::Array(several)) => several.iter().filter_map(|one| one.as_str().map(str::to_owned)).collect(),
            _ => Vec::new(),
        };
        Self { name: text(&path), path, types }
    }

    /// The column that a head names; `None` of those that every document has, which nobody writes.
    pub(super) fn read(head: &str, known: &[Self]) -> Result<Option<Self>, String> {
        if head == "collection" || SystemField::ALL.iter().any(|field| field.name() == head) {
            return Ok(None);
        }
        let path =
            path(head).ok_or_else(|| format!("the column {head:?} is no field: they are named as in filters"))?;
        let found = known.iter().find(|column| column.path == path).cloned();
        Ok(Some(found.unwrap_or_else(|| Self::new(path, &Value::Null))))
    }

    /// A cell as a value: by the types that the schema allows, a string if there are none. Empty is absent.
    pub(super) fn value(&self, cell: &str) -> Option<Value> {
        if cell.is_empty() {
            return None;
        }
        let is = |kind: &str| self.types.iter().any(|allowed| allowed == kind);
        let json: Option<Value> = serde_json::from_str(cell).ok();
        let fits = |value: &Value| match value {
            Value::Null => is("null"),
            Value::Bool(_) => is("boolean"),
            Value::Number(_) => is("number") || is("integer"),
            Value::Array(_) => is("array"),
            Value::Object(_) => is("object"),
            Value::String(_) => false,
        };
        Some(json.filter(fits).unwrap_or_else(|| Value::String(cell.to_owned())))
    }

    /// Puts a value where it belongs.
    pub(super) fn put(&self, data: &mut Value, value: &Value) {
        place(data, self.path.segments(), value);
    }
}

/// A path as a head says it: a part that is no word in the notation of JSON.
fn text(path: &DataPath) -> String {
    let plain = |part: &String| !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-');
    let parts = path
        .segments()
        .iter()
        .map(|part| if plain(part) { part.clone() } else { Value::from(part.as_str()).to_string() });
    format!("data.{}", parts.collect::<Vec<_>>().join("."))
}

/// A value as a cell.
pub(super) fn cell(value: Option<&Value>) -> String {
    match value {
        None => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    fn schema() -> Schema {
        let schema = json!({ "properties": {
            "n": { "type": ["integer", "null"] }, "s": { "type": "string" }, "free": {}, "tags": { "type": "array" },
            "at": { "properties": { "first city": { "type": "string" } } } } });
        Schema::compile(schema).unwrap()
    }

    #[test]
    fn cells_are_of_the_declared_types() {
        let columns = declared(&schema());
        let names: Vec<_> = columns.iter().map(|column| column.name.as_str()).collect();
        assert_eq!(names, ["data.at.\"first city\"", "data.free", "data.n", "data.s", "data.tags"]);
        for (head, given, expected) in [
            ("data.n", "7", Some(json!(7))),
            ("data.n", "null", Some(json!(null))),
            ("data.n", "seven", Some(json!("seven"))),
            ("data.s", "7", Some(json!("7"))),
            ("data.s", "null", Some(json!("null"))),
            ("data.free", "7", Some(json!("7"))),
            ("data.tags", "[\"a\"]", Some(json!(["a"]))),
            ("data.tags", "a", Some(json!("a"))),
            ("data.n", "", None),
        ] {
            let column = Column::read(head, &columns).unwrap().unwrap();
            assert_eq!(column.value(given), expected, "{head} {given}");
        }
        assert_eq!(Column::read("updated_at", &columns).unwrap(), None);
        assert!(Column::read("price", &columns).is_err() && Column::read("data", &columns).is_err());
    }

    #[test]
    fn values_are_put_where_they_belong() {
        let mut data = json!({});
        for (head, value) in
            [("data.at.\"first city\"", json!("Kiel")), ("data.a.b.c", json!(1)), ("data.a.b.d", json!(2))]
        {
            Column::read(head, &declared(&schema())).unwrap().unwrap().put(&mut data, &value);
        }
        assert_eq!(data, json!({ "at": { "first city": "Kiel" }, "a": { "b": { "c": 1, "d": 2 } } }));
    }
}
