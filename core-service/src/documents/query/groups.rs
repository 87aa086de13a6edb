//! `group_by=data.status,month(created_at)` and `values=count,sum(data.price)`: figures about many documents.
//!
//! ```text
//! group   = "created_by" / "updated_by" / "version" / data field / span "(" instant ")"
//! span    = "year" / "month" / "day" / "hour"
//! value   = "count" [ "(" data field ")" ] / ( "sum" / "avg" ) "(" data field ")"
//!         / ( "min" / "max" ) "(" ( data field / "version" / "created_at" / "updated_at" ) ")"
//! instant = "created_at" / "updated_at" / data field that the schema declares to be a date-time
//! ```

use super::field::{self, DataPath, Field, SystemField};
use super::{InvalidQuery, scan::Scanner};
use crate::documents::schema::declared::{Declared, Kind};

/// By how many fields documents may be grouped.
pub const MAX_GROUPS: usize = 4;
/// How many values may be asked for.
pub const MAX_VALUES: usize = 10;

/// What is asked of documents together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figures {
    /// What the documents of a group have in common.
    pub groups: Vec<Named<Group>>,
    /// What is told of each group.
    pub values: Vec<Named<Measure>>,
    /// The order of the groups, as indexes of `groups` and, behind them, of `values`.
    pub order: Vec<Place>,
}

/// A term, and its text, which is its name in the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named<T> {
    /// As the client wrote it.
    pub name: String,
    /// What it means.
    pub term: T,
}

/// A column by which groups are ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Which: the groups' columns come first, the values' behind them.
    pub column: usize,
    /// Whether large comes first.
    pub descending: bool,
}

/// What documents have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Group {
    /// Who wrote them, or their version.
    System(SystemField),
    /// A value in `data`.
    Data(DataPath),
    /// An element of an array in `data`: a document is in the group of each.
    Elements(DataPath),
    /// A span of time, in UTC.
    Span(Span, Instant),
}

/// A span of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span {
    /// A year.
    Year,
    /// A month.
    Month,
    /// A day.
    Day,
    /// An hour.
    Hour,
}

/// A point in time that documents have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Instant {
    /// When they were created or changed.
    System(SystemField),
    /// In `data`.
    Data(DataPath),
}

/// What is told of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Measure {
    /// How many documents there are.
    Count,
    /// In how many the field is there and not null.
    CountOf(DataPath),
    /// The sum of the numbers.
    Sum(DataPath),
    /// Their mean.
    Mean(DataPath),
    /// The smallest or the largest.
    Extreme(Extreme, Extent),
}

/// Which end of the values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extreme {
    /// The smallest.
    Min,
    /// The largest.
    Max,
}

/// Values that have an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Extent {
    /// Versions.
    Version,
    /// Points in time.
    Instant(Instant),
    /// Numbers, and after them strings, in `data`.
    Data(DataPath),
}

impl Figures {
    /// Reads the three parameters. Without `values` documents are counted; without `sort` groups are in their own order.
    pub fn parse(
        group_by: Option<&str>,
        values: Option<&str>,
        sort: Option<&str>,
        declared: &Declared<'_>,
    ) -> Result<Self, InvalidQuery> {
        let groups = match group_by {
            None => Vec::new(),
            Some(text) => {
                list(Scanner::new("group_by", text), MAX_GROUPS, &|scanner: &mut _| group(scanner, declared))?
            }
        };
        let arrays = groups.iter().filter(|group| matches!(group.term, Group::Elements(_))).count();
        if arrays > 1 {
            let message = "documents are grouped by the elements of one array, not of several";
            return Err(Scanner::new("group_by", group_by.unwrap_or_default()).error(message));
        }
        let values = Scanner::new("values", values.unwrap_or("count"));
        let values = list(values, MAX_VALUES, &|scanner: &mut _| measure(scanner, declared))?;
        let mut figures = Self { groups, values, order: Vec::new() };
        if let Some(text) = sort {
            figures.order = figures.order(Scanner::new("sort", text))?;
        }
        for column in 0..figures.groups.len() {
            if figures.order.iter().all(|place| place.column != column) {
                figures.order.push(Place { column, descending: false });
            }
        }
        Ok(figures)
    }

    /// The paths in `data` that it looks at.
    pub fn paths(&self) -> impl Iterator<Item = &DataPath> {
        let groups = self.groups.iter().filter_map(|group| match &group.term {
            Group::Data(path) | Group::Elements(path) | Group::Span(_, Instant::Data(path)) => Some(path),
            Group::System(_) | Group::Span(..) => None,
        });
        let values = self.values.iter().filter_map(|value| match &value.term {
            Measure::CountOf(path) | Measure::Sum(path) | Measure::Mean(path) => Some(path),
            Measure::Extreme(_, Extent::Data(path) | Extent::Instant(Instant::Data(path))) => Some(path),
            Measure::Count | Measure::Extreme(..) => None,
        });
        groups.chain(values)
    }

    /// `-count,data.status`: names from the other two parameters.
    fn order(&self, mut scanner: Scanner<'_>) -> Result<Vec<Place>, InvalidQuery> {
        let names = self.groups.iter().map(|group| &group.name).chain(self.values.iter().map(|value| &value.name));
        let mut names: Vec<_> = names.enumerate().collect();
        // The longest first, as one may begin with another.
        names.sort_by_key(|(_, name)| std::cmp::Reverse(name.len()));
        let mut order: Vec<Place> = Vec::new();
        loop {
            scanner.skip_spaces();
            let start = scanner.at();
            let descending = scanner.take('-');
            let Some((column, _)) = names.iter().find(|(_, name)| scanner.take_text(name)) else {
                return Err(scanner.error_at(start, "this is none of what stands in `group_by` and `values`"));
            };
            if order.iter().any(|place| place.column == *column) {
                return Err(scanner.error_at(start, "this stands here twice"));
            }
            order.push(Place { column: *column, descending });
            if !scanner.comma("a comma is missing")? {
                return Ok(order);
            }
        }
    }
}

/// Terms with commas between.
fn list<T: PartialEq>(
    mut scanner: Scanner<'_>,
    most: usize,
    term: &impl Fn(&mut Scanner<'_>) -> Result<T, InvalidQuery>,
) -> Result<Vec<Named<T>>, InvalidQuery> {
    let mut terms: Vec<Named<T>> = Vec::new();
    loop {
        scanner.skip_spaces();
        let start = scanner.at();
        if terms.len() == most {
            return Err(scanner.error(format!("at most {most} can stand here")));
        }
        let term = term(&mut scanner)?;
        if terms.iter().any(|other| other.term == term) {
            return Err(scanner.error_at(start, "this stands here twice"));
        }
        terms.push(Named { name: scanner.since(start).to_owned(), term });
        if !scanner.comma("a comma is missing")? {
            return Ok(terms);
        }
    }
}

fn group(scanner: &mut Scanner<'_>, declared: &Declared<'_>) -> Result<Group, InvalidQuery> {
    let start = scanner.at();
    let span = match scanner.peek_word() {
        "year" => Some(Span::Year),
        "month" => Some(Span::Month),
        "day" => Some(Span::Day),
        "hour" => Some(Span::Hour),
        _ => None,
    };
    if let Some(span) = span {
        scanner.word();
        let field = within(scanner)?;
        let instant = instant(field, declared).map_err(|message| scanner.error_at(start, message))?;
        return Ok(Group::Span(span, instant));
    }
    match field::parse(scanner)? {
        Field::System(field @ (SystemField::CreatedBy | SystemField::UpdatedBy | SystemField::Version)) => {
            Ok(Group::System(field))
        }
        Field::System(SystemField::Id) => Err(scanner.error_at(start, "no two documents have the same id")),
        Field::System(_) => Err(scanner.error_at(start, SPANS)),
        Field::Data(path) if path.segments().is_empty() => Err(scanner.error_at(start, ALL_OF_IT)),
        Field::Data(path) => match declared.kind(&path) {
            Kind::Any => Ok(Group::Data(path)),
            Kind::Array => Ok(Group::Elements(path)),
            Kind::Instant => Err(scanner.error_at(start, SPANS)),
        },
    }
}

fn measure(scanner: &mut Scanner<'_>, declared: &Declared<'_>) -> Result<Measure, InvalidQuery> {
    let start = scanner.at();
    let function = scanner.word();
    if function == "count" && scanner.peek() != Some('(') {
        return Ok(Measure::Count);
    }
    let extreme = match function {
        "count" | "sum" | "avg" => None,
        "min" => Some(Extreme::Min),
        "max" => Some(Extreme::Max),
        _ => return Err(scanner.error_at(start, "count, sum, avg, min or max was expected")),
    };
    let field = within(scanner)?;
    if let Some(extreme) = extreme {
        let extent = match field {
            Field::System(SystemField::Version) => Extent::Version,
            Field::Data(path) if declared.kind(&path) != Kind::Instant => Extent::Data(path),
            field => Extent::Instant(instant(field, declared).map_err(|message| scanner.error_at(start, message))?),
        };
        return Ok(Measure::Extreme(extreme, extent));
    }
    let Field::Data(path) = field else {
        return Err(scanner.error_at(start, format!("`{function}` is for fields in `data` only")));
    };
    Ok(match function {
        "sum" => Measure::Sum(path),
        "avg" => Measure::Mean(path),
        _ => Measure::CountOf(path),
    })
}

const SPANS: &str = "points in time are grouped by year(…), month(…), day(…) or hour(…)";
const ALL_OF_IT: &str = "this is for a field in `data`, not for all of it";

/// The field in parentheses.
fn within(scanner: &mut Scanner<'_>) -> Result<Field, InvalidQuery> {
    if !scanner.take('(') {
        return Err(scanner.error("`(` was expected"));
    }
    let start = scanner.at();
    let field = field::parse(scanner)?;
    if matches!(&field, Field::Data(path) if path.segments().is_empty()) {
        return Err(scanner.error_at(start, ALL_OF_IT));
    }
    if scanner.take(')') { Ok(field) } else { Err(scanner.error("`)` was expected")) }
}

fn instant(field: Field, declared: &Declared<'_>) -> Result<Instant, &'static str> {
    match field {
        Field::System(field @ (SystemField::CreatedAt | SystemField::UpdatedAt)) => Ok(Instant::System(field)),
        Field::Data(path) if declared.kind(&path) == Kind::Instant => Ok(Instant::Data(path)),
        _ => Err("this is for created_at, updated_at and what the schema declares to be a date-time"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn figures(group_by: &str, values: &str, sort: Option<&str>) -> Result<Figures, InvalidQuery> {
        let schema = json!({ "properties": {
            "due": { "type": "string", "format": "date-time" }, "tags": { "type": "array" }, "more": { "type": "array" } } });
        Figures::parse(Some(group_by), Some(values), sort, &Declared::by(&schema))
    }

    #[test]
    fn terms_keep_their_names() {
        let asked = figures("data.\"a,b\" , day(data.due)", "count,sum(data.n), max(data.due)", None).unwrap();
        let names: Vec<_> = asked.groups.iter().map(|group| group.name.as_str()).collect();
        assert_eq!(names, ["data.\"a,b\"", "day(data.due)"]);
        let names: Vec<_> = asked.values.iter().map(|value| value.name.as_str()).collect();
        assert_eq!(names, ["count", "sum(data.n)", "max(data.due)"]);
        assert_eq!(asked.paths().count(), 4);
    }

    #[test]
    fn groups_have_an_order() {
        let columns = |sort| -> Vec<_> {
            let asked = figures("data.a,data.ab", "count(data.a),count", Some(sort)).unwrap();
            asked.order.iter().map(|place| (place.column, place.descending)).collect()
        };
        assert_eq!(columns("-count,data.ab"), [(3, true), (1, false), (0, false)]);
        assert_eq!(columns("count(data.a)"), [(2, false), (0, false), (1, false)]);
    }

    #[test]
    fn errors_say_where() {
        for (group_by, values, sort, parameter, position) in [
            ("", "count", None, "group_by", 1),
            ("id", "count", None, "group_by", 1),
            ("data", "count", None, "group_by", 1),
            ("created_at", "count", None, "group_by", 1),
            ("data.due", "count", None, "group_by", 1),
            ("data.a,week(data.due)", "count", None, "group_by", 8),
            ("day(data.a)", "count", None, "group_by", 1),
            ("day data.due", "count", None, "group_by", 4),
            ("day(data.due", "count", None, "group_by", 13),
            ("data.a,data.a", "count", None, "group_by", 8),
            ("data.a,data.b,data.c,data.d,data.e", "count", None, "group_by", 29),
            ("data.tags,data.more", "count", None, "group_by", 1),
            ("data.a", "", None, "values", 1),
            ("data.a", "count,median(data.a)", None, "values", 7),
            ("data.a", "sum", None, "values", 4),
            ("data.a", "sum(version)", None, "values", 1),
            ("data.a", "sum(data)", None, "values", 5),
            ("data.a", "min(created_by)", None, "values", 1),
            ("data.a", "count,count", None, "values", 7),
            ("data.a", "count", Some("data.b"), "sort", 1),
            ("data.a", "count", Some("count,-count"), "sort", 7),
            ("data.a", "count", Some("counts"), "sort", 6),
        ] {
            let error = figures(group_by, values, sort).unwrap_err();
            assert_eq!((error.parameter, error.position), (parameter, position), "{group_by} {values}: {error}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(data|count|sum|day|min|created_at| |\\.|\\(|\\)|,|\"|-|[a-c]|\\PC){0,20}") {
            let _ = figures(&text, &text, Some(&text));
        }
    }
}
