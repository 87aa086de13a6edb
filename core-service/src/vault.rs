//! What the one configured secret is used for: encrypting what must not be readable in the database, and
//! deriving keys for everything else. Every use has its own key.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use sha2::Sha256;

use crate::config::{ConfigError, Secret};

/// HMAC-SHA256, RFC 2104.
pub(crate) type HmacSha256 = Hmac<Sha256>;

/// Encrypts and derives.
pub struct Vault {
    root: [u8; 32],
    sealing: LessSafeKey,
}

/// Something was not sealed by this vault for this purpose.
#[derive(Debug, thiserror::Error)]
#[error("cannot be decrypted: identity.secret_key is not the one it was encrypted with")]
pub struct Unreadable;

impl Vault {
    /// A vault over `identity.secret_key`.
    pub fn new(secret: Option<&Secret>) -> Result<Self, ConfigError> {
        let bad = |reason| ConfigError::new("identity.secret_key", reason);
        let secret = secret.ok_or_else(|| bad("must be set (or identity.secret_key_file)"))?;
        let root: [u8; 32] = URL_SAFE_NO_PAD
            .decode(secret.reveal())
            .ok()
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or_else(|| bad("must be 32 bytes as base64url without padding"))?;
        let sealing = UnboundKey::new(&AES_256_GCM, &mac(&root, &[b"sealing"])).map_err(|_| bad("cannot be used"))?;
        Ok(Self { root, sealing: LessSafeKey::new(sealing) })
    }

    /// A key for `purpose`, always the same.
    pub fn derive(&self, purpose: &str) -> [u8; 32] {
        mac(&self.root, &[b"derive", purpose.as_bytes()])
    }

    /// Encrypts `plain` (AES-256-GCM, a random nonce in front). `about` must be said again to open it, so that one
    /// row's secret cannot be put into another.
    pub fn seal(&self, about: &[u8], plain: &[u8]) -> Result<Vec<u8>, getrandom::Error> {
        let nonce: [u8; NONCE_LEN] = random()?;
        let mut sealed = plain.to_vec();
        self.sealing
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(about), &mut sealed)
            // Fails only beyond 64 GB.
            .map_err(|_| getrandom::Error::UNEXPECTED)?;
        let mut out = nonce.to_vec();
        out.append(&mut sealed);
        Ok(out)
    }

    /// Decrypts what [`Self::seal`] made.
    pub fn open(&self, about: &[u8], sealed: &[u8]) -> Result<Vec<u8>, Unreadable> {
        let (nonce, body) = sealed.split_at_checked(NONCE_LEN).ok_or(Unreadable)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| Unreadable)?;
        let mut body = body.to_vec();
        let plain = self.sealing.open_in_place(nonce, Aad::from(about), &mut body).map_err(|_| Unreadable)?;
        Ok(plain.to_vec())
    }
}

/// HMAC-SHA256 over the parts, each preceded by its length so that no two lists of parts are alike.
pub fn mac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = keyed(key);
    for part in parts {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// HMAC-SHA256 with `key`.
pub(crate) fn keyed(key: &[u8]) -> HmacSha256 {
    // HMAC takes keys of any length; the type cannot say so.
    HmacSha256::new_from_slice(key).unwrap_or_else(|_| HmacSha256::new(&Default::default()))
}

/// Random bytes from the operating system.
pub fn random<const N: usize>() -> Result<[u8; N], getrandom::Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn vault(byte: u8) -> Vault {
        Vault::new(Some(&Secret::new(URL_SAFE_NO_PAD.encode([byte; 32])))).unwrap()
    }

    #[test]
    fn what_is_sealed_opens_for_the_same_purpose_and_key_only() {
        let sealed = vault(1).seal(b"a", b"secret").unwrap();
        assert_eq!(vault(1).open(b"a", &sealed).unwrap(), b"secret");
        assert!(vault(1).open(b"b", &sealed).is_err());
        assert!(vault(2).open(b"a", &sealed).is_err());
        assert!(vault(1).open(b"a", &sealed[..5]).is_err());
        assert!(!sealed.windows(6).any(|window| window == b"secret"));
    }

    #[test]
    fn derived_keys_differ_by_purpose_and_secret() {
        assert_eq!(vault(1).derive("a"), vault(1).derive("a"));
        assert_ne!(vault(1).derive("a"), vault(1).derive("b"));
        assert_ne!(vault(1).derive("a"), vault(2).derive("a"));
        assert_ne!(mac(b"k", &[b"ab", b"c"]), mac(b"k", &[b"a", b"bc"]));
    }

    #[test]
    fn a_bad_secret_is_named() {
        for secret in [None, Some(Secret::new("short"))] {
            let error = Vault::new(secret.as_ref()).err().unwrap();
            assert_eq!(error.key, "identity.secret_key");
        }
    }
}
