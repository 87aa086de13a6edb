//! `sort=-created_at,data.price`: the order of a list, and where in it a page ended.
//!
//! Every order ends with the id, so that no two documents tie. A value in `data` is ordered by its
//! type first (nothing, null, false, true, numbers, strings, anything else), then by its value:
//! numbers as numbers, strings by code point as far as their first [`MAX_KEY_CHARACTERS`]
//! characters, a string that the schema declares to be a date-time by the instant that it means.
//! The functions `breakwater_sort_*` in the migrations say the same in SQL.

use super::{
    InvalidQuery,
    field::{self, DataPath, Field, SystemField},
    scan::Scanner,
};
use crate::documents::{
    filter::instant,
    schema::declared::{Declared, Kind},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt::Write as _;
use time::OffsetDateTime;
use uuid::Uuid;

/// How many fields a list may be sorted by.
pub const MAX_TERMS: usize = 4;
/// How much of a string counts: it bounds what a cursor has to carry.
pub const MAX_KEY_CHARACTERS: usize = 200;

/// The order of a list. The last term is always the id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sort(Vec<Term>);

/// One field to sort by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// What is compared.
    pub by: By,
    /// Whether large comes first.
    pub descending: bool,
}

/// What a term compares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum By {
    /// The id.
    Id,
    /// The version.
    Version,
    /// One of the two times.
    Time(SystemField),
    /// A value in `data`.
    Data(DataPath, Kind),
}

impl Sort {
    /// Reads `sort`: names with commas between, a `-` before those that descend.
    pub fn parse(text: Option<&str>, declared: &Declared<'_>) -> Result<Self, InvalidQuery> {
        let mut terms: Vec<Term> = Vec::new();
        if let Some(text) = text {
            let mut scanner = Scanner::new("sort", text);
            loop {
                scanner.skip_spaces();
                let start = scanner.at();
                if terms.len() == MAX_TERMS {
                    let message = format!("a list is sorted by at most {MAX_TERMS} fields");
                    return Err(scanner.error(message));
                }
                let descending = scanner.take('-');
                let by = sortable(field::parse(&mut scanner)?, declared)
                    .map_err(|message| scanner.error_at(start, message))?;
                if terms.iter().any(|term| term.by == by) {
                    return Err(scanner.error_at(start, "this field stands here twice"));
                }
                terms.push(Term { by, descending });
                if !scanner.comma("a comma is missing between two fields")? {
                    break;
                }
            }
        }
        // After the id nothing can decide any more.
        if let Some(id) = terms.iter().position(|term| term.by == By::Id) {
            terms.truncate(id + 1);
        } else {
            let descending = terms.last().is_some_and(|term| term.descending);
            terms.push(Term { by: By::Id, descending });
        }
        Ok(Self(terms))
    }

    /// The terms, the id last.
    pub fn terms(&self) -> &[Term] {
        &self.0
    }

    /// The paths in `data` that it looks at.
    pub fn paths(&self) -> impl Iterator<Item = &DataPath> {
        self.0.iter().filter_map(|term| match &term.by {
            By::Data(path, _) => Some(path),
            _ => None,
        })
    }

    /// A short name for this order: two that differ have different ones.
    pub fn canonical(&self) -> String {
        let mut name = String::new();
        for term in &self.0 {
            // Debug quotes and escapes: no name of a field can imitate another order.
            let _ = write!(name, "{:?}{};", term.by, term.descending);
        }
        name
    }
}

fn sortable(field: Field, declared: &Declared<'_>) -> Result<By, &'static str> {
    match field {
        Field::System(SystemField::Id) => Ok(By::Id),
        Field::System(SystemField::Version) => Ok(By::Version),
        Field::System(field @ (SystemField::CreatedAt | SystemField::UpdatedAt)) => Ok(By::Time(field)),
        Field::System(_) => Err("a list cannot be sorted by who wrote its documents"),
        Field::Data(path) if path.segments().is_empty() => {
            Err("a list is sorted by a field in `data`, not by all of it")
        }
        Field::Data(path) => {
            let kind = declared.kind(&path);
            Ok(By::Data(path, kind))
        }
    }
}

/// Where a document stands by one term. A list of them, one per term, is what a cursor carries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Key {
    /// By id.
    Id(Uuid),
    /// By version.
    Version(i64),
    /// By a time, in microseconds since 1970.
    Time(i64),
    /// By a value in `data`: the rank of its type, its number, its text.
    Data(i32, String, String),
}

impl Key {
    /// Whether this key can belong to `by`, and can be given to the database without an error.
    ///
    /// A cursor comes from the client and may be made up.
    pub fn fits(&self, by: &By) -> bool {
        match (self, by) {
            (Self::Id(_), By::Id) | (Self::Version(_), By::Version) => true,
            (Self::Time(micros), By::Time(_)) => time_of(*micros).is_some(),
            (Self::Data(rank, number, text), By::Data(..)) => {
                (0..=6).contains(rank)
                    && is_number(number)
                    && !text.contains('\0')
                    && text.chars().count() <= MAX_KEY_CHARACTERS
            }
            _ => false,
        }
    }

    /// The key of a value in `data`.
    pub fn of_data(value: Option<&Value>, kind: Kind) -> Self {
        let (rank, number, text) = match value {
            None => (0, "0".to_owned(), ""),
            Some(Value::Null) => (1, "0".to_owned(), ""),
            Some(Value::Bool(value)) => (2, i32::from(*value).to_string(), ""),
            Some(Value::Number(value)) => (3, value.to_string(), ""),
            Some(Value::String(value)) => {
                let instant = if kind.is_instant() { instant::parse(value) } else { None };
                let micros = instant.map_or(0, instant::micros);
                (5, micros.to_string(), value.as_str())
            }
            Some(Value::Array(_) | Value::Object(_)) => (6, "0".to_owned(), ""),
        };
        let text = text.chars().take(MAX_KEY_CHARACTERS).collect();
        Self::Data(rank, number, text)
    }
}

/// The time that a [`Key::Time`] carries, if it is one that the database knows.
pub fn time_of(micros: i64) -> Option<OffsetDateTime> {
    let time = OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1000).ok()?;
    (1..=9999).contains(&time.year()).then_some(time)
}

/// A JSON number that fits into PostgreSQL's `numeric`.
fn is_number(text: &str) -> bool {
    text.len() <= 400 && serde_json::from_str::<serde_json::Number>(text).is_ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    fn parse(text: &str) -> Result<Sort, InvalidQuery> {
        Sort::parse(Some(text), &Declared::by(&json!({})))
    }

    #[test]
    fn the_id_always_decides_last() {
        let descending = |text| -> Vec<bool> {
            let sort = parse(text).unwrap();
            assert_eq!(sort.terms().last().unwrap().by, By::Id);
            sort.terms().iter().map(|term| term.descending).collect()
        };
        assert_eq!(descending("created_at"), [false, false]);
        assert_eq!(descending("data.price, -created_at"), [false, true, true]);
        assert_eq!(descending("-id"), [true]);
        assert_eq!(descending("version,id,data.price"), [false, false]);
        let unsorted = Sort::parse(None, &Declared::by(&json!({}))).unwrap();
        assert_eq!(unsorted, parse("id").unwrap());
    }

    #[test]
    fn nonsense_is_refused_where_it_stands() {
        for (text, position) in [
            ("", 1),
            ("-", 2),
            ("price", 1),
            ("data", 1),
            ("created_by", 1),
            ("id,-id", 4),
            ("data.a,data.b,data.c,data.d,data.e", 29),
            ("version updated_at", 9),
            ("version,", 9),
            ("+version", 1),
        ] {
            let error = parse(text).unwrap_err();
            assert_eq!((error.parameter, error.position), ("sort", position));
        }
    }

    #[test]
    fn different_orders_have_different_names() {
        let names: std::collections::HashSet<String> = [
            "id",
            "-id",
            "version",
            "data.a",
            "data.a.b",
            "data.\"a.b\"",
            "-data.a",
            "data.a,data.b",
            "data.\"a\\\",\\\"b\"",
        ]
        .iter()
        .map(|text| parse(text).unwrap().canonical())
        .collect();
        assert_eq!(names.len(), 9);
    }

    #[test]
    fn keys_that_no_page_made_are_refused() {
        let data = By::Data(DataPath::new(["a"]), Kind::Any);
        let made = Key::of_data(Some(&json!("x".repeat(500))), Kind::Any);
        assert!(made.fits(&data));
        for key in [
            Key::Id(Uuid::nil()),
            Key::Data(7, "0".into(), String::new()),
            Key::Data(3, "NaN".into(), String::new()),
            Key::Data(3, "1e999999".into(), String::new()),
            Key::Data(3, "1; drop".into(), String::new()),
            Key::Data(5, "0".into(), "\0".into()),
            Key::Data(5, "0".into(), "x".repeat(201)),
        ] {
            assert!(!key.fits(&data), "{key:?}");
        }
        assert!(!Key::Time(i64::MAX).fits(&By::Time(SystemField::CreatedAt)));
        assert!(!Key::Version(1).fits(&By::Id));
    }
}
