//! From a filter's text to a checked [`Filter`]: a recursive descent with bounds.

use super::{Across, Filter, Literal, MAX_DEPTH, MAX_LENGTH, MAX_TERMS, MAX_VALUES, Operand, Order, instant};
use crate::documents::query::{
    InvalidQuery,
    field::{self, Field, SystemField},
    scan::Scanner,
};
use crate::documents::referred::Referred;
use crate::documents::schema::declared::{Declared, Kind};
use serde_json::Number;

const NO_REFERENCE: &str = "only a reference, and one at a time, can be followed by a filter in brackets";

pub(super) fn parse(text: &str, declared: Declared<'_>, references: &[Referred]) -> Result<Filter, InvalidQuery> {
    let mut parser = Parser { scanner: Scanner::new("filter", text), declared, references, terms: 0 };
    if text.len() > MAX_LENGTH {
        let message = format!("a filter has at most {MAX_LENGTH} bytes");
        return Err(parser.scanner.error(message));
    }
    let filter = parser.any(0)?;
    if parser.scanner.is_at_end() {
        Ok(filter)
    } else {
        Err(parser.scanner.error("`and`, `or` or the end was expected"))
    }
}

struct Parser<'a> {
    scanner: Scanner<'a>,
    declared: Declared<'a>,
    /// Those that can be followed here.
    references: &'a [Referred],
    terms: usize,
}

impl Parser<'_> {
    fn any(&mut self, depth: usize) -> Result<Filter, InvalidQuery> {
        let mut parts = vec![self.all(depth)?];
        while self.keyword("or") {
            parts.push(self.all(depth)?);
        }
        Ok(one_or(parts, Filter::Any))
    }

    fn all(&mut self, depth: usize) -> Result<Filter, InvalidQuery> {
        let mut parts = vec![self.one(depth)?];
        while self.keyword("and") {
            parts.push(self.one(depth)?);
        }
        Ok(one_or(parts, Filter::All))
    }

    fn one(&mut self, depth: usize) -> Result<Filter, InvalidQuery> {
        self.scanner.skip_spaces();
        if depth > MAX_DEPTH {
            let message = format!("a filter nests at most {MAX_DEPTH} deep");
            return Err(self.scanner.error(message));
        }
        if self.keyword("not") {
            return Ok(Filter::Not(Box::new(self.one(depth + 1)?)));
        }
        if self.scanner.take('(') {
            let inner = self.any(depth + 1)?;
            if !self.scanner.take(')') {
                return Err(self.scanner.error("`and`, `or` or `)` was expected"));
            }
            self.scanner.skip_spaces();
            return Ok(inner);
        }
        self.test(depth)
    }

    /// Takes the word `expected` and the spaces around it, if it comes next.
    fn keyword(&mut self, expected: &str) -> bool {
        self.scanner.skip_spaces();
        let found = self.scanner.peek_word() == expected;
        if found {
            self.scanner.word();
            self.scanner.skip_spaces();
        }
        found
    }

    fn test(&mut self, depth: usize) -> Result<Filter, InvalidQuery> {
        self.terms += 1;
        if self.terms > MAX_TERMS {
            let message = format!("a filter has at most {MAX_TERMS} tests");
            return Err(self.scanner.error(message));
        }
        let start = self.scanner.at();
        let field = field::parse(&mut self.scanner)?;
        if let Field::Data(path) = &field
            && path.segments().is_empty()
        {
            let message = "a test is about a field in `data`, not about all of it";
            return Err(self.scanner.error_at(start, message));
        }
        if self.scanner.take('[') {
            return self.across(start, field, depth);
        }
        self.scanner.skip_spaces();
        let at = self.scanner.at();
        let operator = self.scanner.word();
        self.scanner.skip_spaces();
        let filter = match operator {
            "eq" => {
                let operand = self.operand(field);
                let value = self.value(&operand)?;
                Filter::In(operand, vec![value])
            }
            "ne" => {
                let operand = self.operand(field);
                let value = self.value(&operand)?;
                Filter::Not(Box::new(Filter::In(operand, vec![value])))
            }
            "in" => {
                let operand = self.operand(field);
                let values = self.values(&operand)?;
                Filter::In(operand, values)
            }
            "lt" => self.order(field, Order::Lt)?,
            "le" => self.order(field, Order::Le)?,
            "gt" => self.order(field, Order::Gt)?,
            "ge" => self.order(field, Order::Ge)?,
            "contains" | "exists" => {
                let Field::Data(path) = field else {
                    let message = format!("`{operator}` is for fields in `data` only");
                    return Err(self.scanner.error_at(at, message));
                };
                if operator == "exists" {
                    Filter::Exists(path)
                } else {
                    let only_arrays = self.declared.kind(&path) == Kind::Array;
                    let value = self.literal()?;
                    Filter::Contains { path, value, only_arrays }
                }
            }
            _ => {
                let message = "an operator was expected: eq, ne, lt, le, gt, ge, in, contains or exists";
                return Err(self.scanner.error_at(at, message));
            }
        };
        self.scanner.skip_spaces();
        Ok(filter)
    }

    /// What is asked about the document that a field names. The bracket is taken.
    fn across(&mut self, start: usize, field: Field, depth: usize) -> Result<Filter, InvalidQuery> {
        let Field::Data(path) = field else {
            return Err(self.scanner.error_at(start, NO_REFERENCE));
        };
        let references = std::mem::take(&mut self.references);
        let Some(referred) = references.iter().find(|referred| referred.link.path == path) else {
            return Err(self.scanner.error_at(start, NO_REFERENCE));
        };
        let Some(target) = &referred.target else {
            return Err(self.scanner.error_at(start, "this leads to a collection that you do not see"));
        };
        let own = std::mem::replace(&mut self.declared, target.schema.declared());
        let within = self.any(depth + 1)?;
        (self.declared, self.references) = (own, references);
        if !self.scanner.take(']') {
            return Err(self.scanner.error("`and`, `or` or `]` was expected"));
        }
        self.scanner.skip_spaces();
        let across = Across { path, field: referred.link.rule.field.clone(), collection: target.id };
        Ok(Filter::Across(across, Box::new(within)))
    }

    fn operand(&self, field: Field) -> Operand {
        match field {
            Field::System(field) => Operand::System(field),
            Field::Data(path) => match self.declared.kind(&path) {
                Kind::Instant => Operand::Instant(path),
                Kind::Any | Kind::Array => Operand::Data(path),
            },
        }
    }

    fn order(&mut self, field: Field, order: Order) -> Result<Filter, InvalidQuery> {
        let operand = self.operand(field);
        let at = self.scanner.at();
        let value = self.value(&operand)?;
        match value {
            Literal::Null | Literal::Bool(_) => {
                let message = "only numbers and strings have an order";
                Err(self.scanner.error_at(at, message))
            }
            value => Ok(Filter::Order(operand, order, value)),
        }
    }

    fn values(&mut self, operand: &Operand) -> Result<Vec<Literal>, InvalidQuery> {
        if !self.scanner.take('[') {
            return Err(self.scanner.error("`[` was expected"));
        }
        let mut values = Vec::new();
        loop {
            self.scanner.skip_spaces();
            if values.len() == MAX_VALUES {
                let message = format!("`in` names at most {MAX_VALUES} values");
                return Err(self.scanner.error(message));
            }
            values.push(self.value(operand)?);
            self.scanner.skip_spaces();
            if self.scanner.take(']') {
                return Ok(values);
            }
            if !self.scanner.take(',') {
                return Err(self.scanner.error("`,` or `]` was expected"));
            }
        }
    }

    /// A value of the operand's type.
    fn value(&mut self, operand: &Operand) -> Result<Literal, InvalidQuery> {
        use SystemField::{CreatedAt, CreatedBy, Id, UpdatedAt, UpdatedBy, Version};
        let at = self.scanner.at();
        let literal = self.literal()?;
        let (typed, wanted) = match (operand, literal) {
            (Operand::Data(_), literal) => (Some(literal), ""),
            // A date-time may be absent from a document as null.
            (Operand::Instant(_) | Operand::System(CreatedBy | UpdatedBy), Literal::Null) => (Some(Literal::Null), ""),
            (Operand::Instant(_) | Operand::System(CreatedAt | UpdatedAt), literal) => {
                let instant = match &literal {
                    Literal::String(text) => instant::parse(text),
                    _ => None,
                };
                let wanted = "an RFC 3339 date-time, as in \"2025-01-31T12:00:00Z\"";
                (instant.map(Literal::Instant), wanted)
            }
            (Operand::System(Id | CreatedBy | UpdatedBy), literal) => {
                let id = match &literal {
                    Literal::String(text) => text.parse().ok(),
                    _ => None,
                };
                (id.map(Literal::Id), "an id, a UUID as a string")
            }
            (Operand::System(Version), literal) => {
                let version = match &literal {
                    Literal::Number(number) => number.as_i64(),
                    _ => None,
                };
                (version.map(Literal::Integer), "a whole number")
            }
        };
        typed.ok_or_else(|| {
            let message = format!("this is compared with {wanted}");
            self.scanner.error_at(at, message)
        })
    }

    fn literal(&mut self) -> Result<Literal, InvalidQuery> {
        let at = self.scanner.at();
        if self.scanner.peek() == Some('"') {
            return Ok(Literal::String(self.scanner.json_string()?));
        }
        let text = self.scanner.take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
        match text {
            "null" => Ok(Literal::Null),
            "true" => Ok(Literal::Bool(true)),
            "false" => Ok(Literal::Bool(false)),
            number => serde_json::from_str::<Number>(number).map(Literal::Number).map_err(|_| {
                let message = "a value was expected: null, true, false, a number or a string in \"…\"";
                self.scanner.error_at(at, message)
            }),
        }
    }
}

/// The only part itself, or the parts together.
fn one_or(mut parts: Vec<Filter>, together: fn(Vec<Filter>) -> Filter) -> Filter {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        last => {
            parts.extend(last);
            together(parts)
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::documents::query::field::DataPath;
    use proptest::prelude::*;
    use serde_json::json;

    fn filter(text: &str) -> Result<Filter, InvalidQuery> {
        parse(text, Declared::by(&json!({})), &[])
    }

    fn exists(name: &str) -> Filter {
        Filter::Exists(DataPath::new([name]))
    }

    #[test]
    fn not_binds_tighter_than_and_and_tighter_than_or() {
        assert_eq!(
            filter("not data.a exists and data.b exists or data.c exists").unwrap(),
            Filter::Any(vec![Filter::All(vec![Filter::Not(Box::new(exists("a"))), exists("b")]), exists("c"),])
        );
        assert_eq!(
            filter("not ( data.a exists and (data.b exists or data.c exists) )").unwrap(),
            Filter::Not(Box::new(Filter::All(vec![exists("a"), Filter::Any(vec![exists("b"), exists("c")]),])))
        );
    }

    #[test]
    fn values_are_of_their_fields_type() {
        let schema = json!({"properties": {"due": {"type": "string", "format": "date-time"}}});
        let declared = Declared::by(&schema);
        let parse = |text| Filter::parse(text, &declared, &[]);
        assert!(matches!(
            parse(r#"data.due lt "2025-01-01T00:00:00Z""#).unwrap(),
            Filter::Order(Operand::Instant(_), Order::Lt, Literal::Instant(_))
        ));
        assert!(parse(r#"data.due lt "tomorrow""#).is_err());
        assert!(parse("data.due eq null").is_ok());
        assert!(parse("data.due gt null").is_err());
        assert!(parse(r#"created_at ge "2025-01-01T00:00:00Z""#).is_ok());
        assert!(parse("created_at ge 5").is_err());
        assert!(parse("created_at eq null").is_err());
        assert!(parse("version in [1, 2,3]").is_ok());
        assert!(parse("version eq 1.5").is_err());
        assert!(parse(r#"id eq "00000000-0000-0000-0000-000000000000""#).is_ok());
        assert!(parse(r#"id eq "x""#).is_err());
        assert!(parse("created_by eq null").is_ok());
    }

    #[test]
    fn errors_say_where() {
        for (text, position) in [
            ("", 1),
            ("data.a", 7),
            ("data eq 1", 1),
            ("data.a is 1", 8),
            ("data.a EQ 1", 8),
            ("data.a eq", 10),
            ("data.a eq open", 11),
            ("data.a eq 01", 11),
            ("data.a eq 1e999", 11),
            ("data.a eq [1]", 11),
            ("data.a lt true", 11),
            ("data.ä eq 1 und", 13),
            ("data.a exists data.b exists", 15),
            ("(data.a exists", 15),
            ("data.a exists)", 14),
            ("data.a in [1, ]", 15),
            ("data.a[data.b eq 1]", 1),
            ("data.a in 1", 11),
            ("data.a in [1 2]", 14),
            ("id exists", 4),
            ("id contains 1", 4),
            ("not", 4),
            ("data.a eq 1 and", 16),
            ("data.a eq \"\\u0000\"", 11),
        ] {
            let error = filter(text).unwrap_err();
            assert_eq!(error.position, position, "{text}: {error}");
        }
    }

    #[test]
    fn bounds_hold() {
        let nested = |depth| format!("{}data.a exists{}", "(".repeat(depth), ")".repeat(depth));
        assert!(filter(&nested(MAX_DEPTH)).is_ok());
        assert!(filter(&nested(MAX_DEPTH + 1)).is_err());
        assert!(filter(&format!("{}data.a exists", "not ".repeat(1000))).is_err());
        let tests = |count| vec!["data.a exists"; count].join(" or ");
        assert!(filter(&tests(MAX_TERMS)).is_ok());
        assert!(filter(&tests(MAX_TERMS + 1)).is_err());
        let values = |count| format!("data.a in [{}]", vec!["1"; count].join(","));
        assert!(filter(&values(MAX_VALUES)).is_ok());
        assert!(filter(&values(MAX_VALUES + 1)).is_err());
        assert!(filter(&format!("data.a eq \"{}\"", "x".repeat(MAX_LENGTH))).is_err());
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(data|id|not|and|or|eq|in|contains| |\\.|\\(|\\)|\\[|\\]|,|\"|\\\\|-|[0-9]|\\PC){0,40}") {
            let _ = filter(&text);
        }
    }
}
