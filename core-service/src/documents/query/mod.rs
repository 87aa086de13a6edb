//! What a client may ask of documents: `filter`, `sort` and `fields` of a list, `group_by` and `values` of figures about them.
//!
//! All name fields as they stand in a document's representation (`updated_at`,
//! `data.price`, `data."first name"`). Everything here is pure: text comes in, a checked value or an
//! [`InvalidQuery`] that says what is wrong and where goes out. Only what is checked reaches SQL, and
//! only as parameters.

pub mod expansions;
pub mod field;
pub mod fields;
pub mod groups;
pub(crate) mod scan;
pub mod sort;

use crate::problem::{Problem, kinds};

/// A query parameter that cannot be understood, told with the place where understanding ended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{parameter}`, at character {position}: {message}")]
pub struct InvalidQuery {
    /// The query parameter.
    pub parameter: &'static str,
    /// The character, counted from 1.
    pub position: usize,
    /// What is wrong there.
    pub message: String,
}

impl From<InvalidQuery> for Problem {
    fn from(error: InvalidQuery) -> Self {
        Self::new(&kinds::INVALID_QUERY).detail(error.to_string())
    }
}
