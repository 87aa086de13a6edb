//! Data keys, ready to encrypt and decrypt.
//!
//! What is sealed looks like this: a byte 1, the data key's id (4 bytes, big-endian), a random nonce (12 bytes), and the
//! ciphertext with its tag (AES-256-GCM, NIST SP 800-38D). The first five bytes are authenticated with what it is about.

use std::collections::BTreeMap;

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use super::random;

/// Bytes of a key.
pub(super) const KEY_BYTES: usize = 32;

const FORMAT: u8 = 1;
const HEADER_BYTES: usize = 5;

/// Every data key at one moment.
pub struct Ring {
    keys: BTreeMap<i32, LessSafeKey>,
    /// Which one encrypts.
    current: i32,
    /// What encrypted before there were data keys.
    before: LessSafeKey,
}

/// Why something cannot be decrypted.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Unreadable {
    /// Another core may have made the key a moment ago.
    #[error("it says that data key {0} encrypted it, and there is none")]
    UnknownKey(i32),
    /// Not sealed by these keys for this purpose.
    #[error("it cannot be decrypted: it was changed, or identity.secret_key was before it was encrypted anew")]
    Refused,
}

impl Ring {
    /// A ring of keys; the one with the id `current` encrypts. `None` if it is not among them.
    pub(super) fn new(keys: BTreeMap<i32, LessSafeKey>, current: i32, before: LessSafeKey) -> Option<Self> {
        keys.contains_key(&current).then_some(Self { keys, current, before })
    }

    /// The id of the key that encrypts.
    pub fn current(&self) -> i32 {
        self.current
    }

    /// The key `id`, if it is known.
    pub(super) fn key(&self, id: i32) -> Option<&LessSafeKey> {
        self.keys.get(&id)
    }

    /// Encrypts `plain`. `about` must be said again to open it, so that one row's secret cannot be put into another.
    pub fn seal(&self, about: &[u8], plain: &[u8]) -> Result<Vec<u8>, getrandom::Error> {
        let mut sealed = vec![FORMAT];
        sealed.extend_from_slice(&self.current.to_be_bytes());
        let about = [&sealed, about].concat();
        // Always there: `new` has looked.
        let key = self.keys.get(&self.current).ok_or(getrandom::Error::UNEXPECTED)?;
        sealed.append(&mut encrypt(key, &about, plain)?);
        Ok(sealed)
    }

    /// Decrypts what [`Self::seal`] made, here or at another core.
    pub fn open(&self, about: &[u8], sealed: &[u8]) -> Result<Vec<u8>, Unreadable> {
        let named = key_of(sealed);
        if let Some((id, header, body)) = named
            && let Some(key) = self.keys.get(&id)
            && let Some(plain) = decrypt(key, &[header, about].concat(), body)
        {
            return Ok(plain);
        }
        // Its random first bytes may look like a header; the tag tells for sure.
        match (decrypt(&self.before, about, sealed), named) {
            (Some(plain), _) => Ok(plain),
            (None, Some((id, ..))) if !self.keys.contains_key(&id) => Err(Unreadable::UnknownKey(id)),
            (None, _) => Err(Unreadable::Refused),
        }
    }
}

/// The id, the header and the rest of what has a header.
fn key_of(sealed: &[u8]) -> Option<(i32, &[u8], &[u8])> {
    let (header, body) = sealed.split_at_checked(HEADER_BYTES)?;
    match header {
        [FORMAT, id @ ..] => Some((i32::from_be_bytes(id.try_into().ok()?), header, body)),
        _ => None,
    }
}

/// A key out of its bytes.
pub(super) fn key(bytes: &[u8; KEY_BYTES]) -> anyhow::Result<LessSafeKey> {
    let key = UnboundKey::new(&AES_256_GCM, bytes).map_err(|_| anyhow::anyhow!("a key cannot be used"))?;
    Ok(LessSafeKey::new(key))
}

/// A random nonce, the ciphertext and its tag.
pub(super) fn encrypt(key: &LessSafeKey, about: &[u8], plain: &[u8]) -> Result<Vec<u8>, getrandom::Error> {
    let nonce: [u8; NONCE_LEN] = random()?;
    let mut sealed = plain.to_vec();
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(about), &mut sealed)
        // Fails only beyond 64 GB.
        .map_err(|_| getrandom::Error::UNEXPECTED)?;
    Ok([&nonce[..], &sealed].concat())
}

/// What [`encrypt`] was given, if key and `about` are the same and nothing was changed.
pub(super) fn decrypt(key: &LessSafeKey, about: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    let (nonce, body) = sealed.split_at_checked(NONCE_LEN)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let mut body = body.to_vec();
    let length = key.open_in_place(nonce, Aad::from(about), &mut body).ok()?.len();
    body.truncate(length);
    Some(body)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn ring(ids: &[i32], current: i32) -> Ring {
        let keys = ids.iter().map(|&id| (id, key(&[u8::try_from(id % 200).unwrap(); 32]).unwrap())).collect();
        Ring::new(keys, current, key(&[255; 32]).unwrap()).unwrap()
    }

    #[test]
    fn what_is_sealed_opens_for_the_same_purpose_and_key_only() {
        let sealed = ring(&[1, 2], 1).seal(b"a", b"secret").unwrap();
        assert!(!sealed.windows(6).any(|window| window == b"secret"));
        assert_eq!(ring(&[1, 2], 2).open(b"a", &sealed).unwrap(), b"secret", "a retired key still opens");
        assert_eq!(ring(&[1], 1).open(b"b", &sealed), Err(Unreadable::Refused));
        assert_eq!(ring(&[2], 2).open(b"a", &sealed), Err(Unreadable::UnknownKey(1)));
        for length in 0..sealed.len() {
            assert!(ring(&[1], 1).open(b"a", &sealed[..length]).is_err(), "the first {length} bytes");
        }
    }

    #[test]
    fn every_byte_counts() {
        let sealed = ring(&[1, 0x0101], 1).seal(b"a", b"secret").unwrap();
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(ring(&[1, 0x0101], 1).open(b"a", &changed).is_err(), "byte {at}");
        }
    }

    #[test]
    fn the_id_stands_in_front() {
        let sealed = ring(&[0x0102_0304], 0x0102_0304).seal(b"a", b"").unwrap();
        assert_eq!(sealed[..5], [1, 1, 2, 3, 4]);
        assert_eq!(sealed.len(), 5 + 12 + 16);
    }

    #[test]
    fn what_was_sealed_before_there_were_data_keys_opens_whatever_it_begins_with() {
        let before = key(&[255; 32]).unwrap();
        for first in [[1, 0, 0, 0, 1], [1, 0, 0, 0, 9], [7, 7, 7, 7, 7]] {
            let nonce = [&first[..], &[0; 7]].concat();
            let mut body = b"secret".to_vec();
            let nonce_value = Nonce::try_assume_unique_for_key(&nonce).unwrap();
            before.seal_in_place_append_tag(nonce_value, Aad::from(b"a"), &mut body).unwrap();
            let sealed = [nonce, body].concat();
            assert_eq!(ring(&[1], 1).open(b"a", &sealed).unwrap(), b"secret", "{first:?}");
            assert!(ring(&[1], 1).open(b"b", &sealed).is_err());
        }
    }

    #[test]
    fn a_ring_has_its_current_key() {
        assert!(Ring::new(BTreeMap::new(), 1, key(&[0; 32]).unwrap()).is_none());
    }
}
