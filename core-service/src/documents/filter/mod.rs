//! The `filter` of a list: which documents are wanted.
//!
//! The language is the filter of SCIM (RFC 7644 section 3.4.2.2), which people know from identity
//! servers and which needs no escaping beyond a URL's own: `data.status eq "open" and (data.price lt
//! 10 or data.tags contains "x")`. From it come the grammar, the precedence (`not`, then `and`, then
//! `or`) and values in JSON's notation. Differences: names and operators are case-sensitive, `in` and
//! `exists` are added (the latter is SCIM's `pr`, except that a `null` exists), `contains` stands for
//! `co` and works on arrays too, and a path has a filter of its own (`data.customer[data.tier eq 1]`) where it is a
//! reference: it is about the document that is named.
//!
//! ```text
//! filter     = any
//! any        = all *( "or" all )
//! all        = one *( "and" one )
//! one        = "not" one / "(" any ")" / test
//! test       = field ( compare value / "in" "[" value *( "," value ) "]" / "contains" value / "exists" / across )
//! across     = "[" any "]"
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
//! - A filter in brackets is true if it is of a document that the field names and the caller may read.
//! - `contains` is true of an array with an element that equals the value, and of a string with the value in it.

pub mod instant;
mod parse;
pub mod sql;

use super::query::{
    InvalidQuery,
    field::{DataPath, SystemField},
};
use super::referred::Referred;
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
    /// The filter is true of a document that the field names.
    Across(Across, Box<Filter>),
}

/// A reference that a filter follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Across {
    /// Where it is.
    pub path: DataPath,
    /// The same, as the collection's options name it.
    pub field: String,
    /// The collection that it leads to.
    pub collection: Uuid,
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
    /// The paths in `data` that it asks about; not those in other documents.
    pub fn paths(&self) -> Vec<&DataPath> {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().flat_map(Self::paths).collect(),
            Self::Not(part) => part.paths(),
            Self::In(operand, _) | Self::Order(operand, ..) => match operand {
                Operand::System(_) => Vec::new(),
                Operand::Data(path) | Operand::Instant(path) => vec![path],
            },
            Self::Contains { path, .. } | Self::Exists(path) | Self::Across(Across { path, .. }, _) => vec![path],
        }
    }

    /// The fields that every document has that it asks about.
    pub fn system(&self) -> Vec<SystemField> {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().flat_map(Self::system).collect(),
            Self::Not(part) => part.system(),
            Self::In(Operand::System(field), _) | Self::Order(Operand::System(field), ..) => vec![*field],
            _ => Vec::new(),
        }
    }

    /// The references that it follows, and what it asks about what they name.
    pub fn across(&self) -> Vec<(&Across, &Self)> {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().flat_map(Self::across).collect(),
            Self::Not(part) => part.across(),
            Self::Across(across, within) => vec![(across, within)],
            Self::In(..) | Self::Order(..) | Self::Contains { .. } | Self::Exists(_) => Vec::new(),
        }
    }

    /// Reads and checks a filter, which can follow `references`.
    pub fn parse(text: &str, declared: &Declared<'_>, references: &[Referred]) -> Result<Self, InvalidQuery> {
        parse::parse(text, *declared, references)
    }
}
