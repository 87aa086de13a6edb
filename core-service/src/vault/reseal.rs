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
    pub(crate) fn new() -> Self {
        Self { keys: Vec::new(), sealed: Vec::new(), last: None, unreadable: 0 }
    }

    /// Adds a row.
    pub(crate) fn add(&mut self, ring: &Ring, key: K, about: &[u8], sealed: &[u8]) -> Result<(), getrandom::Error> {
        self.last = Some(key.clone());
        match ring.open(about, sealed) {
            Ok(plain) => {
                self.sealed.push(ring.seal(about, &plain)?);
                self.keys.push(key);
            }
            Err(_) => self.unreadable += 1,
        }
        Ok(())
    }
}
