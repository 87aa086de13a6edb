//! `fields=data.title,updated_at`: only these fields, and always the id.

use super::{
    InvalidQuery,
    field::{self, DataPath, Field, SystemField},
    scan::Scanner,
};
use crate::documents::places::place;
use serde_json::{Map, Value};

/// How many fields may be chosen.
pub const MAX_FIELDS: usize = 50;

/// The fields that a client wants to see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fields {
    system: Vec<SystemField>,
    data: Vec<DataPath>,
}

impl Fields {
    /// Reads `fields`: names with commas between.
    pub fn parse(text: &str) -> Result<Self, InvalidQuery> {
        let mut scanner = Scanner::new("fields", text);
        let mut chosen = Self { system: vec![SystemField::Id], data: Vec::new() };
        let mut count = 0;
        loop {
            scanner.skip_spaces();
            if count == MAX_FIELDS {
                return Err(scanner.error(format!("at most {MAX_FIELDS} fields can be chosen")));
            }
            count += 1;
            match field::parse(&mut scanner)? {
                Field::System(field) if chosen.system.contains(&field) => {}
                Field::System(field) => chosen.system.push(field),
                Field::Data(path) => chosen.data.push(path),
            }
            if !scanner.comma("a comma is missing between two fields")? {
                return Ok(chosen);
            }
        }
    }

    /// Whether a field that every document has was chosen.
    pub fn shows(&self, field: SystemField) -> bool {
        self.system.contains(&field)
    }

    /// The fields in `data` that were chosen.
    pub fn data(&self) -> &[DataPath] {
        &self.data
    }

    /// What was chosen of `data`: `None` if nothing was asked for. A chosen field that a document
    /// does not have is left out.
    pub fn of_data(&self, data: &Value) -> Option<Value> {
        if self.data.is_empty() {
            return None;
        }
        let mut chosen = Value::Object(Map::new());
        for path in &self.data {
            if let Some(value) = path.of(data) {
                place(&mut chosen, path.segments(), value);
            }
        }
        Some(chosen)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    #[test]
    fn only_what_was_chosen_is_shown() {
        let data = json!({"title": "t", "size": {"w": 1, "h": 2, "d": null}, "tags": [1]});
        for (fields, expected) in [
            ("data.title", json!({"title": "t"})),
            ("data.size.w, data.size.d", json!({"size": {"w": 1, "d": null}})),
            ("data.size,data.size.w", json!({"size": data["size"]})),
            ("data.size.w,data.size", json!({"size": data["size"]})),
            ("data.tags.0,data.nowhere,data.title.x", json!({})),
            ("data", data.clone()),
        ] {
            let chosen = Fields::parse(fields).unwrap();
            assert_eq!(chosen.of_data(&data).unwrap(), expected, "{fields}");
            assert!(chosen.shows(SystemField::Id) && !chosen.shows(SystemField::Version));
        }
        let chosen = Fields::parse("version,version").unwrap();
        assert_eq!(chosen.of_data(&data), None);
        assert!(chosen.shows(SystemField::Version));
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", ",", "id,", "id version", "data.a;b", "secret"] {
            assert_eq!(Fields::parse(text).unwrap_err().parameter, "fields");
        }
        assert!(Fields::parse(&vec!["id"; MAX_FIELDS].join(",")).is_ok());
        assert!(Fields::parse(&vec!["id"; MAX_FIELDS + 1].join(",")).is_err());
    }
}
