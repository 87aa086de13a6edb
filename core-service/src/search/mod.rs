//! Full text: the index of words, and what a question in words finds in it.
//!
//! Rules: this room knows texts, by the id and the collection that they belong to, and nothing of what they are texts of;
//! who may read what is found decides whoever joins it ([`Question::push`]). The engine is PostgreSQL: text search of
//! its own languages, without accents, and `pg_trgm` for words that are misspelt. Another one has to give the same: [`put`],
//! [`forget`], [`Question`] and [`highlights`].

mod highlight;
mod index;
mod language;
mod question;

pub use self::highlight::{Highlighted, highlights};
pub use self::index::{Entry, forget, put};
pub use self::language::Language;
pub use self::question::Question;
