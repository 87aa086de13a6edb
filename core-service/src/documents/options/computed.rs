//! The language of computed fields: arithmetic over numbers, and texts put together. It has no loops, no calls and no
//! state, so that what a field costs is bounded by the length of its expression.
//!
//! ```text
//! text    = sum *( "&" sum )
//! sum     = product *( ( "+" / "-" ) product )
//! product = atom *( ( "*" / "/" ) atom )
//! atom    = JSON number / JSON string / field / "(" text ")"
//! ```
//!
//! Where a value is missing or of another type (a text in a sum, a division by zero), there is no result, and the
//! field is not there. Whole numbers stay whole as long as 64 bits hold them.

use serde_json::{Number, Value};

use crate::documents::query::InvalidQuery;
use crate::documents::query::field::{self, DataPath, Field};
use crate::documents::query::scan::Scanner;

/// How deep parentheses may nest.
const MAX_DEPTH: usize = 16;

/// An expression that was understood.
#[derive(Debug, Clone, PartialEq)]
pub enum Expression {
    /// A value.
    Value(Value),
    /// What is in a field.
    Field(DataPath),
    /// Two numbers and what to do with them.
    Arithmetic(Box<Expression>, Operator, Box<Expression>),
    /// Texts, one after the other; numbers and truth values as JSON writes them.
    Text(Vec<Expression>),
}

/// What is done with two numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// Sum.
    Add,
    /// Difference.
    Subtract,
    /// Product.
    Multiply,
    /// Quotient.
    Divide,
}

impl Expression {
    /// Understands a text.
    pub fn parse(text: &str) -> Result<Self, InvalidQuery> {
        let mut scanner = Scanner::new("value", text);
        let expression = join(&mut scanner, 0)?;
        if scanner.is_at_end() { Ok(expression) } else { Err(scanner.error("an operator was expected: + - * / or &")) }
    }

    /// The fields that it looks at.
    pub fn fields(&self) -> Vec<&DataPath> {
        match self {
            Self::Value(_) => Vec::new(),
            Self::Field(path) => vec![path],
            Self::Arithmetic(a, _, b) => [a.fields(), b.fields()].concat(),
            Self::Text(parts) => parts.iter().flat_map(Self::fields).collect(),
        }
    }

    /// What it comes to for a document, if it comes to anything.
    pub fn of(&self, data: &Value) -> Option<Value> {
        match self {
            Self::Value(value) => Some(value.clone()),
            Self::Field(path) => path.of(data).cloned(),
            Self::Arithmetic(a, operator, b) => {
                let (Value::Number(a), Value::Number(b)) = (a.of(data)?, b.of(data)?) else { return None };
                operator.of(&a, &b).map(Value::Number)
            }
            Self::Text(parts) => {
                let mut text = String::new();
                for part in parts {
                    match part.of(data)? {
                        Value::String(part) => text.push_str(&part),
                        part @ (Value::Number(_) | Value::Bool(_)) => text.push_str(&part.to_string()),
                        Value::Null | Value::Array(_) | Value::Object(_) => return None,
                    }
                }
                Some(Value::String(text))
            }
        }
    }
}

impl Operator {
    fn of(self, a: &Number, b: &Number) -> Option<Number> {
        if let (Some(a), Some(b)) = (a.as_i64(), b.as_i64()) {
            let whole = match self {
                Self::Add => a.checked_add(b),
                Self::Subtract => a.checked_sub(b),
                Self::Multiply => a.checked_mul(b),
                Self::Divide => a.checked_rem(b).filter(|rest| *rest == 0).and_then(|_| a.checked_div(b)),
            };
            if let Some(whole) = whole {
                return Some(whole.into());
            }
        }
        let (a, b) = (a.as_f64()?, b.as_f64()?);
        // Neither infinite nor not-a-number is a JSON number: none is a result.
        Number::from_f64(match self {
            Self::Add => a + b,
            Self::Subtract => a - b,
            Self::Multiply => a * b,
            Self::Divide => a / b,
        })
    }
}

fn join(scanner: &mut Scanner<'_>, depth: usize) -> Result<Expression, InvalidQuery> {
    let first = sum(scanner, depth)?;
    if !scanner.take('&') {
        return Ok(first);
    }
    let mut parts = vec![first, sum(scanner, depth)?];
    while scanner.take('&') {
        parts.push(sum(scanner, depth)?);
    }
    Ok(Expression::Text(parts))
}

fn sum(scanner: &mut Scanner<'_>, depth: usize) -> Result<Expression, InvalidQuery> {
    let mut left = product(scanner, depth)?;
    loop {
        let operator = match scanner.peek() {
            Some('+') => Operator::Add,
            Some('-') => Operator::Subtract,
            _ => return Ok(left),
        };
        scanner.take(if operator == Operator::Add { '+' } else { '-' });
        left = Expression::Arithmetic(Box::new(left), operator, Box::new(product(scanner, depth)?));
    }
}

fn product(scanner: &mut Scanner<'_>, depth: usize) -> Result<Expression, InvalidQuery> {
    let mut left = atom(scanner, depth)?;
    loop {
        let operator = match scanner.peek() {
            Some('*') => Operator::Multiply,
            Some('/') => Operator::Divide,
            _ => return Ok(left),
        };
        scanner.take(if operator == Operator::Multiply { '*' } else { '/' });
        left = Expression::Arithmetic(Box::new(left), operator, Box::new(atom(scanner, depth)?));
    }
}

fn atom(scanner: &mut Scanner<'_>, depth: usize) -> Result<Expression, InvalidQuery> {
    scanner.skip_spaces();
    let at = scanner.at();
    let atom = match scanner.peek() {
        Some('(') if depth < MAX_DEPTH => {
            scanner.take('(');
            let inner = join(scanner, depth + 1)?;
            if !scanner.take(')') {
                return Err(scanner.error("`)` was expected"));
            }
            inner
        }
        Some('"') => Expression::Value(Value::String(scanner.json_string()?)),
        Some('0'..='9') => {
            let digits = scanner.take_while(|c| c.is_ascii_digit() || c == '.');
            let number = serde_json::from_str(digits).map_err(|_| scanner.error_at(at, "this is no number"))?;
            Expression::Value(Value::Number(number))
        }
        _ => match field::parse(scanner)? {
            Field::Data(path) if !path.segments().is_empty() => Expression::Field(path),
            _ => return Err(scanner.error_at(at, "a field in `data` was expected")),
        },
    };
    scanner.skip_spaces();
    Ok(atom)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn expressions_come_to_what_they_say() {
        let data = json!({ "a": 6, "b": 4, "half": 0.5, "first": "Ada", "last": "Lovelace", "ok": true, "n": null,
                           "at": { "x": 2 }, "big": i64::MAX, "list": [1] });
        for (text, value) in [
            ("data.a * data.b", json!(24)),
            ("data.a + data.b * 2", json!(14)),
            ("(data.a + data.b) * 2", json!(20)),
            ("data.a - data.b - 1", json!(1)),
            ("data.a/3", json!(2)),
            ("data.b / data.a * 3", json!(2.0)),
            ("data.a * data.half", json!(3.0)),
            ("data.at.x", json!(2)),
            (r#"data.first & " " & data.last"#, json!("Ada Lovelace")),
            (r#""n" & data.a * 2 & data.ok"#, json!("n12true")),
            ("data.big + 1", json!(9_223_372_036_854_775_808_f64)),
        ] {
            assert_eq!(Expression::parse(text).unwrap().of(&data), Some(value), "{text}");
        }
        for text in
            ["data.none + 1", "data.a / 0", "data.first + 1", "data.n & \"x\"", "data.list & \"x\"", "data.n * 1"]
        {
            assert_eq!(Expression::parse(text).unwrap().of(&data), None, "{text}");
        }
    }

    #[test]
    fn nonsense_is_refused_where_it_stands() {
        for (text, position) in [
            ("", 1),
            ("data", 1),
            ("id", 1),
            ("data.a +", 9),
            ("(data.a", 8),
            ("data.a data.b", 8),
            ("1.2.3", 1),
            ("sum(data.a)", 1),
            ("data.a & \"x", 10),
        ] {
            assert_eq!(Expression::parse(text).unwrap_err().position, position, "{text}");
        }
        assert!(Expression::parse(&format!("{}1{}", "(".repeat(17), ")".repeat(17))).is_err());
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(data|\\.|a|[0-9]|\\+|-|\\*|/|&|\\(|\\)|\"| |\\PC){0,30}") {
            if let Ok(expression) = Expression::parse(&text) {
                expression.of(&json!({ "a": 1 }));
            }
        }

        /// Sums and products of whole numbers are those of whole numbers.
        #[test]
        fn whole_numbers_stay_exact(a in any::<i32>(), b in any::<i32>(), c in any::<i32>()) {
            let data = json!({ "a": a, "b": b, "c": c });
            let (a, b, c) = (i64::from(a), i64::from(b), i64::from(c));
            let of = |text: &str| Expression::parse(text).unwrap().of(&data).unwrap();
            prop_assert_eq!(of("data.a * data.b + data.c"), json!(a * b + c));
            prop_assert_eq!(of("data.a - (data.b - data.c)"), json!(a - (b - c)));
        }
    }
}
