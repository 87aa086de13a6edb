//! What a collection's schema promises about the values at a path, as far as a filter or an order
//! can make use of it. Only promises that always hold count: those along `properties` from the top.

use crate::documents::query::field::DataPath;
use serde_json::Value;

/// What is known of the values at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Nothing.
    Any,
    /// Strings of the format `date-time`, or null.
    Instant,
    /// Arrays, or null.
    Array,
}

impl Kind {
    /// Whether strings there mean instants.
    pub fn is_instant(self) -> bool {
        self == Self::Instant
    }
}

/// A collection's schema, to be asked about paths.
#[derive(Debug, Clone, Copy)]
pub struct Declared<'a>(&'a Value);

impl<'a> Declared<'a> {
    /// What `schema` declares.
    pub fn by(schema: &'a Value) -> Self {
        Self(schema)
    }

    /// What it declares of the values at `path`.
    pub fn kind(&self, path: &DataPath) -> Kind {
        let at = path.segments().iter().try_fold(self.0, |schema, name| schema.get("properties")?.get(name));
        let Some(schema) = at else { return Kind::Any };
        if only(schema, "string") && schema.get("format") == Some(&"date-time".into()) {
            Kind::Instant
        } else if only(schema, "array") {
            Kind::Array
        } else {
            Kind::Any
        }
    }
}

/// Whether values are of this type only, or null.
fn only(schema: &Value, name: &str) -> bool {
    match schema.get("type") {
        Some(Value::String(only)) => only == name,
        Some(Value::Array(types)) => types.contains(&name.into()) && types.iter().all(|t| t == name || t == "null"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_promises_that_always_hold_count() {
        let time = json!({"type": ["string", "null"], "format": "date-time"});
        let schema = json!({
            "properties": {
                "due": time,
                "a.b": {"properties": {"due": time}},
                "loose": {"format": "date-time"},
                "tags": {"type": "array"},
                "either": {"type": ["array", "string"]},
            },
            "anyOf": [{"properties": {"maybe": time}}],
        });
        let kind = |path: &[&str]| Declared::by(&schema).kind(&DataPath::new(path.iter().copied()));
        assert_eq!(kind(&["due"]), Kind::Instant);
        assert_eq!(kind(&["a.b", "due"]), Kind::Instant);
        assert_eq!(kind(&["tags"]), Kind::Array);
        for path in [&["loose"][..], &["either"], &["maybe"], &["due", "x"], &["x"]] {
            assert_eq!(kind(path), Kind::Any, "{path:?}");
        }
    }
}
