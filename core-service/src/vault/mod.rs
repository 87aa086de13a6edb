//! What the configured secrets are used for: encrypting what must not be readable in the database, and deriving keys for
//! everything else. Every use has its own key.
//!
//! Encryption is in two steps, an envelope: a data key encrypts the values, and a master key, which is not in the database,
//! encrypts ("wraps") the data key. So a data key is replaced without a new secret for anybody, and a master key without
//! touching any value. docs/security/keys.md tells operators how; docs/decisions/0029 why.

mod commands;
mod data_keys;
mod held;
mod kms;
mod master;
mod reseal;
mod ring;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use sha2::Sha256;

pub use self::data_keys::DataKey;
use self::held::HeldKeys;
use self::master::{Masters, Wrapped};
pub(crate) use self::reseal::{Batch, ROUND};
pub use self::ring::Ring;
use crate::config::{Config, ConfigError, Secret};
use crate::database::Database;

/// HMAC-SHA256, RFC 2104.
pub(crate) type HmacSha256 = Hmac<Sha256>;

/// Encrypts and derives.
pub struct Vault {
    root: [u8; 32],
    masters: Masters,
    keys: HeldKeys,
    database: Database,
}

impl Vault {
    /// A vault over `identity.secret_key` and the master key. The data keys are read when they are first needed.
    pub fn new(config: &Config, database: Database) -> Result<Self, ConfigError> {
        let secret = config.identity.secret_key.as_ref();
        let missing = || ConfigError::new("identity.secret_key", "must be set (or identity.secret_key_file)");
        let root = decode("identity.secret_key", secret.ok_or_else(missing)?)?;
        let masters = Masters::new(mac(&root, &[b"master"]), &config.encryption)?;
        Ok(Self { root, masters, keys: HeldKeys::default(), database })
    }

    /// A key for `purpose`, always the same.
    pub fn derive(&self, purpose: &str) -> [u8; 32] {
        derive(&self.root, purpose)
    }

    /// What encrypted everything before there were data keys.
    fn derive_before(&self) -> [u8; 32] {
        mac(&self.root, &[b"sealing"])
    }
}

fn derive(root: &[u8; 32], purpose: &str) -> [u8; 32] {
    mac(root, &[b"derive", purpose.as_bytes()])
}

/// The 32 bytes of a secret of the configuration.
fn decode(setting: &str, secret: &Secret) -> Result<[u8; 32], ConfigError> {
    let bytes = URL_SAFE_NO_PAD.decode(secret.reveal()).ok().and_then(|bytes| bytes.try_into().ok());
    bytes.ok_or_else(|| ConfigError::new(setting, "must be 32 bytes as base64url without padding"))
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

    #[test]
    fn derived_keys_differ_by_purpose_and_secret() {
        assert_eq!(derive(&[1; 32], "a"), derive(&[1; 32], "a"));
        assert_ne!(derive(&[1; 32], "a"), derive(&[1; 32], "b"));
        assert_ne!(derive(&[1; 32], "a"), derive(&[2; 32], "a"));
        assert_ne!(mac(b"k", &[b"ab", b"c"]), mac(b"k", &[b"a", b"bc"]));
    }

    #[test]
    fn a_bad_secret_is_named() {
        let error = decode("encryption.master_key", &Secret::new("short")).unwrap_err();
        assert_eq!(error.key, "encryption.master_key");
    }
}
