//! Tokens that have verified, by their digest.
//!
//! Bounded without bookkeeping per use: entries are kept in a young and an old half. What is used moves to the young
//! one; when that is full, it becomes the old one, and what nobody used since is gone.

use std::collections::HashMap;

use breakwater_kit::types::Caller;

/// Entries in each half.
const HALF: usize = 5_000;

type Digest = [u8; 32];

/// The memory.
#[derive(Default)]
pub struct Memory {
    young: HashMap<Digest, Caller>,
    old: HashMap<Digest, Caller>,
}

impl Memory {
    /// Whose token this was.
    pub fn get(&mut self, digest: &Digest) -> Option<&Caller> {
        if let Some(caller) = self.old.remove(digest) {
            self.keep(*digest, caller);
        }
        self.young.get(digest)
    }

    /// Remembers a token.
    pub fn keep(&mut self, digest: Digest, caller: Caller) {
        if self.young.len() >= HALF {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(digest, caller);
    }

    /// Forgets a token.
    pub fn forget(&mut self, digest: &Digest) {
        self.young.remove(digest);
        self.old.remove(digest);
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(number: usize) -> Digest {
        let mut digest = [0; 32];
        digest[..8].copy_from_slice(&number.to_be_bytes());
        digest
    }

    fn caller(number: usize) -> Caller {
        Caller { issuer: String::new(), subject: number.to_string(), session: None, scopes: Vec::new(), expires_at: 0 }
    }

    #[test]
    fn what_is_used_stays_and_the_size_is_bounded() {
        let mut memory = Memory::default();
        for number in 0..10 * HALF {
            memory.keep(digest(number), caller(number));
            assert!(memory.young.len() + memory.old.len() <= 2 * HALF);
            assert_eq!(memory.get(&digest(0)), Some(&caller(0)), "after {number}");
        }
        assert_eq!(memory.get(&digest(1)), None);
        assert_eq!(memory.get(&digest(10 * HALF - 1)), Some(&caller(10 * HALF - 1)));
        memory.forget(&digest(0));
        assert_eq!(memory.get(&digest(0)), None);
        memory.clear();
        assert_eq!(memory.get(&digest(10 * HALF - 1)), None);
    }
}
