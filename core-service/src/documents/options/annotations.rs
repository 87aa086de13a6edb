//! `default` and `readOnly` in a collection's schema (JSON Schema 2020-12, validation, sections 9.2 and 9.4), where they stand
//! along `properties` from the top: elsewhere it would depend on a document which of them holds.

use serde_json::Value;

use crate::documents::places;
use crate::documents::query::field::DataPath;

/// What a schema says of fields besides what fits.
#[derive(Debug, Default)]
pub struct Annotations {
    /// In the order of the levels: a field's own object comes before it.
    defaults: Vec<(DataPath, Value)>,
    pub(super) read_only: Vec<DataPath>,
}

impl Annotations {
    /// Those of `schema`.
    pub fn of(schema: &Value) -> Self {
        let mut found = Self::default();
        found.walk(schema, &mut Vec::new());
        found
    }

    fn walk(&mut self, schema: &Value, path: &mut Vec<String>) {
        for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            path.push(name.clone());
            if let Some(default) = property.get("default") {
                self.defaults.push((DataPath::new(path.iter()), default.clone()));
            }
            if property.get("readOnly") == Some(&Value::Bool(true)) {
                self.read_only.push(DataPath::new(path.iter()));
            }
            self.walk(property, path);
            path.pop();
        }
    }

    /// Fills in what a new document does not say. A field inside an object that is not there stays away with it.
    pub fn fill(&self, data: &mut Value) {
        for (path, default) in &self.defaults {
            if path.of(data).is_none() {
                places::put(data, path.segments(), default.clone());
            }
        }
    }

    /// The schemas of fields that have a default, with where they stand in the schema.
    pub(super) fn defaults(&self) -> impl Iterator<Item = (&DataPath, &Value)> {
        self.defaults.iter().map(|(path, value)| (path, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn defaults_fill_what_is_not_said() {
        let schema = json!({ "properties": {
            "status": { "default": "open" },
            "at": { "default": {}, "properties": { "city": { "default": "Köln" } } },
            "by": { "properties": { "name": { "default": "x", "readOnly": true } } },
            "made": { "readOnly": true },
        }, "allOf": [{ "properties": { "a": { "default": 1 } } }] });
        let annotations = Annotations::of(&schema);
        for (sent, filled) in [
            (json!({}), json!({ "status": "open", "at": { "city": "Köln" } })),
            (json!({ "status": null, "at": 1 }), json!({ "status": null, "at": 1 })),
            (json!({ "by": {} }), json!({ "status": "open", "at": { "city": "Köln" }, "by": { "name": "x" } })),
        ] {
            let mut data = sent;
            annotations.fill(&mut data);
            assert_eq!(data, filled);
        }
        assert_eq!(annotations.read_only, [DataPath::new(["by", "name"]), DataPath::new(["made"])]);
    }
}
