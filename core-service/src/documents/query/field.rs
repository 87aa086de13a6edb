//! Names of fields: those that every document has, and those inside its data.

use super::{InvalidQuery, scan::Scanner};
use serde_json::Value;

/// How deep into a document's data a name may reach.
pub const MAX_PATH_SEGMENTS: usize = 16;

/// A field of a document's representation.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Field {
    /// A field that every document has.
    System(SystemField),
    /// A field inside `data`.
    Data(DataPath),
}

/// The fields that every document has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SystemField {
    /// Its UUIDv7.
    Id,
    /// How often it was written.
    Version,
    /// When it was created.
    CreatedAt,
    /// When it was last written.
    UpdatedAt,
    /// Who created it.
    CreatedBy,
    /// Who last wrote it.
    UpdatedBy,
}

impl SystemField {
    /// All of them, in the order in which a representation shows them.
    pub const ALL: [Self; 6] =
        [Self::Id, Self::Version, Self::CreatedAt, Self::UpdatedAt, Self::CreatedBy, Self::UpdatedBy];

    /// Its name, in representations as in the table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Version => "version",
            Self::CreatedAt => "created_at",
            Self::UpdatedAt => "updated_at",
            Self::CreatedBy => "created_by",
            Self::UpdatedBy => "updated_by",
        }
    }
}

/// The way to a value inside `data`, through objects only: an array's elements have no names.
///
/// Empty means `data` itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DataPath(Vec<String>);

impl DataPath {
    /// The path through the given names.
    pub fn new(segments: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self(segments.into_iter().map(Into::into).collect())
    }

    /// The names on the way.
    pub fn segments(&self) -> &[String] {
        &self.0
    }

    /// The value at the path, if there is one.
    pub fn of<'v>(&self, data: &'v Value) -> Option<&'v Value> {
        self.0.iter().try_fold(data, |value, name| value.as_object()?.get(name))
    }

    /// The smallest object that has `value` at this path.
    pub fn around(&self, value: Value) -> Value {
        self.0.iter().rev().fold(value, |inner, name| Value::Object([(name.clone(), inner)].into_iter().collect()))
    }
}

/// Reads one field's name.
///
/// ```text
/// field   = system / "data" *( "." segment )
/// segment = 1*( letter / digit / "_" / "-" ) / JSON string
/// ```
pub(crate) fn parse(scanner: &mut Scanner<'_>) -> Result<Field, InvalidQuery> {
    let start = scanner.at();
    let name = scanner.word();
    if name != "data" {
        return SystemField::ALL
            .into_iter()
            .find(|field| field.name() == name)
            .map(Field::System)
            .ok_or_else(|| scanner.error_at(start, unknown(name)));
    }
    let mut segments = Vec::new();
    while scanner.take('.') {
        if segments.len() == MAX_PATH_SEGMENTS {
            let message = format!("a name has at most {MAX_PATH_SEGMENTS} parts below `data`");
            return Err(scanner.error_at(start, message));
        }
        segments.push(match scanner.peek() {
            Some('"') => scanner.json_string()?,
            _ => match scanner.word() {
                "" => return Err(scanner.error("a part of a field's name is missing")),
                word => word.to_owned(),
            },
        });
    }
    Ok(Field::Data(DataPath(segments)))
}

fn unknown(name: &str) -> String {
    let known = SystemField::ALL.map(SystemField::name).join(", ");
    if name.is_empty() {
        format!("a field's name is missing: one of {known}, or data.…")
    } else {
        let name: String = name.chars().take(64).collect();
        format!("there is no field `{name}`: fields are {known}, and data.…")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    fn field(text: &str) -> Result<Field, InvalidQuery> {
        parse(&mut Scanner::new("filter", text))
    }

    #[test]
    fn names_are_read() {
        assert_eq!(field("updated_at").unwrap(), Field::System(SystemField::UpdatedAt));
        assert_eq!(
            field(r#"data.a.b-c.1."first \"name\".""#).unwrap(),
            Field::Data(DataPath::new(["a", "b-c", "1", "first \"name\"."]))
        );
        assert_eq!(field("data").unwrap(), Field::Data(DataPath(vec![])));
    }

    #[test]
    fn nonsense_is_refused_where_it_stands() {
        for (text, position) in [
            ("", 1),
            ("price", 1),
            ("data.", 6),
            ("data..a", 6),
            ("data.\"open", 6),
            ("data.\"\\u0000\"", 6),
            ("data.\"\\x\"", 6),
        ] {
            assert_eq!(field(text).unwrap_err().position, position, "{text}");
        }
        assert!(field(&format!("data{}", ".a".repeat(17))).is_err());
    }

    #[test]
    fn a_path_goes_through_objects_only() {
        let path = DataPath::new(["a", "0"]);
        assert_eq!(path.of(&json!({"a": {"0": 7}})), Some(&json!(7)));
        assert_eq!(path.of(&json!({"a": [7]})), None);
        assert_eq!(path.around(json!(7)), json!({"a": {"0": 7}}));
    }
}
