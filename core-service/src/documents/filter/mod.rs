//! The `filter` of a list: which documents are wanted.
//!
//! The language is the filter of SCIM (RFC 7644 section 3.4.2.2), which people know from identity
//! servers and which needs no escaping beyond a URL's own: `data.status eq "open" and (data.price lt
//! 10 or data.tags contains "x")`. From it come the grammar, the precedence (`not`, then `and`, then
//! `or`) and values in JSON's notation. Differences: names and operators are case-sensitive, `in` and
//! `exists` are added (the latter is SCIM's `pr`, except that a `null` exists), `contains` stands for
//! `co` and works on arrays too, and there are no paths with filters of their own.
//!
//! ```text
//! filter     = any
//! any        = all *( "or" all )
//! all        = one *( "and" one )
//! one        = "not" one / "(" any ")" / test
//! test       = field ( compare value / "in" "[" value *( "," value ) "]" / "contains" value / "exists" )
//! compare    = "eq" / "ne" / "lt" / "le" / "gt" / "ge"
//! value      = "null" / "true" / "false" / JSON number / JSON string
//! ```
//!
//! A test is true or false, never unknown, so `not` always turns it round:
//! - A field that is not there passes no test, except `ne`, which is the opposite of `eq`.
//! - `eq` compares type and value: `1 eq 1.0`, but not `"1"`. `eq null` is true of a `null` that is there.
//! - `lt`, `le`, `gt`, `ge` compare numbers with numbers and strings (by code point) with strings.
//! - Where the schema declares a string of the format `date-time`, and for `created_at` and `updated_at`,
//!   all comparisons are between instants, to the microsecond.
//! - `contains` is true of an array with an element that equals the value, and of a string with the value in it.

pub mod instant;
mod parse;
pub mod sql;

use super::query::{
    InvalidQuery,
    field::{DataPath, SystemField},
};
use super::schema::declared::Declared;
use serde_json::Number;
use time::OffsetDateTime;
use uuid::Uuid;

/// How long the text of a filter may be, in bytes.
pub const MAX_LENGTH: usize = 4096;
/// How many tests may stand in a filter.
pub const MAX_TERMS: usize = 50;
/// How deep its parentheses and `not`s may nest.
pub const MAX_DEPTH: usize = 16;
/// How many values `in` may name.
pub const MAX_VALUES: usize = 100;

/// A checked filter.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// Every part is true.
    All(Vec<Filter>),
    /// Some part is true.
    Any(Vec<Filter>),
    /// The part is false.
    Not(Box<Filter>),
    /// The field equals one of the values.
    In(Operand, Vec<Literal>),
    /// The field is so ordered to the value.
    Order(Operand, Order, Literal),
    /// The array or string has the value in it. The schema may say that it is always an array.
    Contains {
        /// Where the array or string is.
        path: DataPath,
        /// What is sought in it.
        value: Literal,
        /// Whether strings need no looking at.
        only_arrays: bool,
    },
    /// The field is there.
    Exists(DataPath),
}

/// What is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operand {
    /// A field that every document has.
    System(SystemField),
    /// A value in `data`, as JSON.
    Data(DataPath),
    /// A value in `data`, as the instant that it means.
    Instant(DataPath),
}

/// The orders that a test may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Less.
    Lt,
    /// Less or equal.
    Le,
    /// Greater.
    Gt,
    /// Greater or equal.
    Ge,
}

/// A value in a filter, already of the type of what it is compared with.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number.
    Number(Number),
    /// A string.
    String(String),
    /// A point in time.
    Instant(OffsetDateTime),
    /// An id.
    Id(Uuid),
    /// A version.
    Integer(i64),
}

impl Filter {
    /// The paths in `data` that it asks about.
    pub fn paths(&self) -> Vec<&DataPath> {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().flat_map(Self::paths).collect(),
            Self::Not(part) => part.paths(),
            Self::In(operand, _) | Self::Order(operand, ..) => match operand {
                Operand::System(_) => Vec::new(),
                Operand::Data(path) | Operand::Instant(path) => vec![path],
            },
            Self::Contains { path, .. } | Self::Exists(path) => vec![path],
        }
    }

    /// Reads and checks a filter.
    pub fn parse(text: &str, declared: &Declared<'_>) -> Result<Self, InvalidQuery> {
        parse::parse(text, declared)
    }
}
