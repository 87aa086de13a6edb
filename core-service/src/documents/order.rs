//! Places in a list: what a cursor of documents holds, and for which list it was made.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::model::Row;
use super::page;
use super::query::sort::{Key, Sort};
use crate::http::Cursor;
use crate::problem::{Problem, Result, kinds};

/// The order of a list of some documents of a collection.
pub(super) struct Order {
    pub(super) sort: Sort,
    /// What makes a query the same query: a place in one order means nothing in another.
    fingerprint: u64,
}

/// A place in it.
#[derive(Serialize, Deserialize)]
pub(super) struct Place {
    /// Of which query it is a place.
    #[serde(rename = "q")]
    query: u64,
    /// By each term.
    #[serde(rename = "k")]
    keys: Vec<Key>,
}

impl Order {
    pub(super) fn of(collection: Uuid, filter: Option<&str>, sort: Sort) -> Self {
        let mut hash = Sha256::new();
        hash.update(collection);
        hash.update(sort.canonical());
        hash.update([0, u8::from(filter.is_some())]);
        hash.update(filter.unwrap_or_default());
        let fingerprint = u64::from_be_bytes(hash.finalize().first_chunk().copied().unwrap_or_default());
        Self { sort, fingerprint }
    }

    /// Where a document stands.
    pub(super) fn place(&self, row: &Row) -> Place {
        Place { query: self.fingerprint, keys: page::position(row, &self.sort) }
    }

    /// The place that a cursor names, if it was made for this query.
    pub(super) fn position(&self, cursor: &Cursor) -> Result<Vec<Key>> {
        let place: Place = cursor.position()?;
        if place.query != self.fingerprint {
            let detail = "The cursor belongs to a list with another `filter` or `sort`.";
            return Err(Problem::new(&kinds::INVALID_CURSOR).detail(detail));
        }
        let terms = self.sort.terms();
        let fits =
            place.keys.len() == terms.len() && place.keys.iter().zip(terms).all(|(key, term)| key.fits(&term.by));
        if fits { Ok(place.keys) } else { Err(Problem::new(&kinds::INVALID_CURSOR)) }
    }
}
