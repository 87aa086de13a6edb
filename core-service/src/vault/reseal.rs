//! Encrypting anew what an older key encrypted: each room does it to its own rows, some at a time.

use super::Ring;

/// Rows of one round.
pub(crate) const ROUND: i64 = 500;

/// One round over a room's rows, in the order of their keys.
pub(crate) struct Batch<K> {
    /// The rows that are to be changed, and what they are to hold.
    pub(crate) keys: Vec<K>,
    pub(crate) sealed: Vec<Vec<u8>>,
    /// The last row that was looked at; `None` means that there are no more.
    pub(crate) last: Option<K>,
    /// How many rows could not be decrypted. They are left as they are.
    pub(crate) unreadable: u64,
}

impl<K: Clone> Batch<K> {
    /// Encrypts rows anew: of each its key, what its value is about, and the value.
    pub(crate) fn of(
        ring: &Ring,
        rows: impl IntoIterator<Item = (K, Vec<u8>, Vec<u8>)>,
    ) -> Result<Self, getrandom::Error> {
        let mut batch = Self { keys: Vec::new(), sealed: Vec::new(), last: None, unreadable: 0 };
        for (key, about, sealed) in rows {
            batch.last = Some(key.clone());
            match ring.open(&about, &sealed) {
                Ok(plain) => {
                    batch.sealed.push(ring.seal(&about, &plain)?);
                    batch.keys.push(key);
                }
                Err(_) => batch.unreadable += 1,
            }
        }
        Ok(batch)
    }
}
