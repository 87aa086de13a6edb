//! What a key looks like: `bwk_`, 40 random letters and digits (238 bits), and six that are a checksum of what stands
//! before. The regular expression for scanners is `\bbwk_[0-9A-Za-z]{46}\b`.

use sha2::{Digest, Sha256};

use crate::vault::random;

/// What every key begins with.
pub(crate) const PREFIX: &str = "bwk_";

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const RANDOM: usize = 40;
const CHECKSUM: usize = 6;

/// How much of a key is shown later, so that people know it again.
const HINT: usize = PREFIX.len() + 4;

/// A key, in the clear.
pub(crate) struct Key(String);

impl Key {
    pub(super) fn new() -> Result<Self, getrandom::Error> {
        let mut text = PREFIX.to_owned();
        while text.len() < PREFIX.len() + RANDOM {
            // Of 256 bytes, 248 are four times the alphabet; the others would make some letters likelier.
            let letters = random::<64>()?.into_iter().filter(|byte| *byte < 248);
            let letters = letters.map(|byte| char::from(ALPHABET[usize::from(byte % 62)]));
            text.extend(letters.take(PREFIX.len() + RANDOM - text.len()));
        }
        text.push_str(&checksum(&text));
        Ok(Self(text))
    }

    /// Whether this is meant to be a key, well-formed or not.
    pub(crate) fn is_meant(text: &str) -> bool {
        text.starts_with(PREFIX)
    }

    /// Reads what a client sent.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let right = text.len() == PREFIX.len() + RANDOM + CHECKSUM
            && text.starts_with(PREFIX)
            && text[PREFIX.len()..].bytes().all(|byte| byte.is_ascii_alphanumeric());
        let (body, end) = right.then(|| text.split_at(PREFIX.len() + RANDOM))?;
        (checksum(body) == end).then(|| Self(text.to_owned()))
    }

    /// What its owner gets, once.
    pub(super) fn text(&self) -> &str {
        &self.0
    }

    /// What is shown of it later.
    pub(super) fn hint(&self) -> &str {
        &self.0[..HINT]
    }

    /// What is stored. It holds 238 random bits, so a slow hash would add nothing.
    pub(super) fn hash(&self) -> [u8; 32] {
        Sha256::digest(&self.0).into()
    }
}

/// CRC-32 (IEEE 802.3) in base 62.
fn checksum(text: &str) -> String {
    let mut rest = crc32fast::hash(text.as_bytes()) as usize;
    let mut digits = [0; CHECKSUM];
    for digit in digits.iter_mut().rev() {
        *digit = ALPHABET[rest % 62];
        rest /= 62;
    }
    digits.into_iter().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_new_key_is_read_again_and_is_like_no_other() {
        let key = Key::new().unwrap();
        assert_eq!(key.text().len(), 50);
        assert!(key.text().starts_with(key.hint()));
        assert_eq!(Key::read(key.text()).unwrap().hash(), key.hash());
        assert_ne!(Key::new().unwrap().text(), key.text());
    }

    /// The checksum, worked out by another program: `zlib.crc32` of Python.
    #[test]
    fn the_checksum_is_crc_32() {
        let body = format!("{PREFIX}{}", "0".repeat(RANDOM));
        assert_eq!(checksum(&body), "46X5Ch");
        assert!(Key::read(&format!("{body}46X5Ch")).is_some());
    }

    #[test]
    fn what_is_no_key_is_none() {
        let key = Key::new().unwrap();
        let text = key.text();
        let other = if text.ends_with('0') { '1' } else { '0' };
        let changed = format!("{}{other}", &text[..49]);
        let swapped = text.replacen(&text[4..6], &text[4..6].chars().rev().collect::<String>(), 1);
        let mut wrong = vec![String::new(), PREFIX.to_owned(), text[1..].to_owned(), format!("{text}0"), changed];
        wrong.push(format!("bwk_{}", "é".repeat(23)));
        wrong.push(text.to_uppercase());
        if swapped != text {
            wrong.push(swapped);
        }
        for wrong in wrong {
            assert!(Key::read(&wrong).is_none(), "{wrong}");
        }
    }
}
