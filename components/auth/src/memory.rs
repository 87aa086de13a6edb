//! What is known of tokens: whose those are that were good once.
//!
//! A look is one hash and one comparison of the whole text, which is what makes it safe: the hash only finds the place. It
//! reads the text's end, where a signature is, as random as a hash could wish for; only who can have tokens made could
//! choose it.
//!
//! Bounded without bookkeeping per use: entries are kept in a young and an old half. What is used moves to the young
//! one; when that is full, it becomes the old one, and what nobody used since is gone.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use breakwater_kit::network::Network;
use breakwater_kit::types::Caller;

/// A caller whose token was good once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    pub caller: Caller,
    /// When to look again, in Unix seconds.
    pub until: u64,
    /// The networks that it is good from; none: from everywhere.
    pub addresses: Vec<Network>,
    /// Set for a token that comes in a cookie: the hash of what has to come with it.
    pub csrf: Option<Box<str>>,
}

impl Known {
    /// Whether it is good from this address.
    pub fn is_good_from(&self, address: &str) -> bool {
        let inside = |address| self.addresses.iter().any(|network| network.contains(address));
        self.addresses.is_empty() || address.parse().is_ok_and(inside)
    }
}

/// What an entry takes besides its text, roughly.
const OVERHEAD: usize = 400;

/// The memory.
pub struct Memory<V> {
    young: Half<V>,
    old: Half<V>,
    /// Bytes in each half.
    most: usize,
}

struct Half<V> {
    entries: HashMap<Box<str>, V, BuildHasherDefault<Tail>>,
    bytes: usize,
}

impl<V> Default for Half<V> {
    fn default() -> Self {
        Self { entries: HashMap::default(), bytes: 0 }
    }
}

impl<V> Memory<V> {
    /// A memory of so many bytes, roughly.
    pub fn new(bytes: usize) -> Self {
        Self { young: Half::default(), old: Half::default(), most: bytes / 2 }
    }

    /// What is known of this text.
    pub fn get(&mut self, text: &str) -> Option<&V> {
        if !self.old.entries.is_empty()
            && let Some((text, value)) = self.old.entries.remove_entry(text)
        {
            self.old.bytes -= text.len() + OVERHEAD;
            self.insert(text, value);
        }
        self.young.entries.get(text)
    }

    /// Remembers a text.
    pub fn keep(&mut self, text: &str, value: V) {
        self.insert(text.into(), value);
    }

    fn insert(&mut self, text: Box<str>, value: V) {
        let size = text.len() + OVERHEAD;
        if self.young.bytes + size > self.most {
            self.old = std::mem::take(&mut self.young);
        }
        if self.young.entries.insert(text, value).is_none() {
            self.young.bytes += size;
        }
    }

    /// Forgets a text.
    pub fn forget(&mut self, text: &str) {
        for half in [&mut self.young, &mut self.old] {
            if half.entries.remove(text).is_some() {
                half.bytes -= text.len() + OVERHEAD;
            }
        }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        (self.young, self.old) = Default::default();
    }
}

/// A hash of a text's last sixteen bytes.
#[derive(Default)]
struct Tail(u64);

impl Hasher for Tail {
    fn write(&mut self, bytes: &[u8]) {
        let mut tail = [0; 16];
        let taken = bytes.len().min(16);
        tail[16 - taken..].copy_from_slice(&bytes[bytes.len() - taken..]);
        let all = u128::from_le_bytes(tail);
        // Letters differ in few of their bits: the product spreads them.
        let mixed = (all as u64 ^ ((all >> 64) as u64).rotate_left(29)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = mixed ^ (mixed >> 32);
    }

    /// What ends a text in a hash.
    fn write_u8(&mut self, _: u8) {}

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_stays_and_the_size_is_bounded() {
        let mut memory = Memory::new(200 * (OVERHEAD + 8));
        let text = |number: usize| format!("{number:08}");
        for number in 0..2_000 {
            memory.keep(&text(number), number);
            for half in [&memory.young, &memory.old] {
                assert_eq!(half.bytes, half.entries.len() * (OVERHEAD + 8));
                assert!(half.entries.len() <= 100, "after {number}");
            }
            assert_eq!(memory.get(&text(0)), Some(&0), "after {number}");
        }
        assert_eq!(memory.get(&text(1)), None);
        assert_eq!(memory.get(&text(1_999)), Some(&1_999));
        memory.forget(&text(0));
        assert_eq!(memory.get(&text(0)), None);
        memory.clear();
        assert_eq!(memory.get(&text(1_999)), None);
    }

    #[test]
    fn texts_of_the_same_hash_are_told_apart() {
        let mut memory = Memory::new(1 << 20);
        memory.keep("mine.0123456789abcdef", 1);
        assert_eq!(memory.get("yours.0123456789abcdef"), None);
        assert_eq!(memory.get("0123456789abcdef"), None);
        assert_eq!(memory.get("mine.0123456789abcdef"), Some(&1));
    }

    #[test]
    fn ends_that_differ_little_are_spread() {
        use std::hash::BuildHasher as _;
        let mut seen = std::collections::HashSet::new();
        for number in 0..4096 {
            let hash = BuildHasherDefault::<Tail>::default().hash_one(format!("{number:04x}AAAAAAAAAAAA").as_str());
            seen.insert(hash & 0xfff);
        }
        // 4096 balls in 4096 bins leave about 1507 of them empty if they are thrown at random.
        assert!(seen.len() > 2_000, "{}", seen.len());
    }
}
