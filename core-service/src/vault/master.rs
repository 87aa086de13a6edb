//! Master keys: what encrypts ("wraps") the data keys and is never in the database.

use ring::aead::LessSafeKey;

use super::kms::Kms;
use super::ring::{KEY_BYTES, decrypt, encrypt, key};
use super::{decode, mac};
use crate::config::{ConfigError, EncryptionConfig, Master};
use crate::hex::hex;

/// What a wrapped key is for.
const ABOUT: &[u8] = b"data-key";

/// The master keys that are configured.
pub(super) struct Masters {
    /// The first wraps, unless KMS does.
    local: Vec<Local>,
    kms: Option<Kms>,
    wrap_with: Master,
}

/// A master key that this process holds.
struct Local {
    name: String,
    key: LessSafeKey,
}

/// A data key as it is stored.
pub(super) struct Wrapped {
    /// The master key's name.
    pub(super) master: String,
    pub(super) bytes: Vec<u8>,
}

impl Masters {
    /// `derived` is the master key of those who configured none.
    pub(super) fn new(derived: [u8; KEY_BYTES], config: &EncryptionConfig) -> Result<Self, ConfigError> {
        let mut local = Vec::new();
        let configured = [("master_key", &config.master_key), ("previous_master_key", &config.previous_master_key)];
        for (name, secret) in configured {
            if let Some(secret) = secret {
                local.push(Local::new(&format!("encryption.{name}"), &decode(&format!("encryption.{name}"), secret)?)?);
            }
        }
        let derived = Local::new("identity.secret_key", &derived)?;
        // First only if there is no other: a previous key alone wraps nothing.
        let at = if config.master_key.is_some() { local.len() } else { 0 };
        local.insert(at, derived);
        let kms = config.kms.as_ref().map(Kms::new).transpose()?;
        Ok(Self { local, kms, wrap_with: config.master })
    }

    /// Wraps a data key by the master key that is in use.
    pub(super) async fn wrap(&self, plain: &[u8; KEY_BYTES]) -> anyhow::Result<Wrapped> {
        match (self.wrap_with, &self.kms, self.local.first()) {
            (Master::Kms, Some(kms), _) => {
                let (arn, bytes) = kms.encrypt(plain).await?;
                Ok(Wrapped { master: format!("kms:{arn}"), bytes })
            }
            (Master::Key, _, Some(local)) => {
                Ok(Wrapped { master: local.name.clone(), bytes: encrypt(&local.key, ABOUT, plain)? })
            }
            _ => anyhow::bail!("no master key is configured"),
        }
    }

    /// The data key that a master key wrapped.
    pub(super) async fn unwrap(&self, wrapped: &Wrapped) -> anyhow::Result<[u8; KEY_BYTES]> {
        let name = &wrapped.master;
        let plain = match (name.strip_prefix("kms:"), &self.kms) {
            (Some(arn), Some(kms)) => kms.decrypt(arn, &wrapped.bytes).await?,
            (Some(arn), None) => anyhow::bail!("it is wrapped by the KMS key {arn}: set encryption.kms.key"),
            (None, _) => {
                let local = self.local.iter().find(|local| local.name == *name);
                let local = local.ok_or_else(|| {
                    anyhow::anyhow!("it is wrapped by the master key {name}: set it as encryption.previous_master_key")
                })?;
                let plain = decrypt(&local.key, ABOUT, &wrapped.bytes);
                plain.ok_or_else(|| anyhow::anyhow!("the master key {name} did not wrap it, or it was changed"))?
            }
        };
        plain.try_into().map_err(|_| anyhow::anyhow!("it is no key of {KEY_BYTES} bytes"))
    }
}

impl Local {
    fn new(setting: &str, bytes: &[u8; KEY_BYTES]) -> Result<Self, ConfigError> {
        // Told apart without telling anything of it.
        let name = hex(&mac(bytes, &[b"name of a master key"])[..6]);
        let key = key(bytes).map_err(|error| ConfigError::new(setting, error.to_string()))?;
        Ok(Self { name: format!("key:{name}"), key })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;
    use crate::config::Secret;

    fn masters(derived: u8, key: Option<u8>, previous: Option<u8>) -> Masters {
        let secret = |byte: u8| Secret::new(URL_SAFE_NO_PAD.encode([byte; 32]));
        let config = EncryptionConfig {
            master: Master::Key,
            master_key: key.map(secret),
            previous_master_key: previous.map(secret),
            kms: None,
        };
        Masters::new([derived; 32], &config).unwrap()
    }

    #[tokio::test]
    async fn a_master_key_opens_what_it_wrapped_for_as_long_as_it_is_configured() {
        let derived = masters(1, None, None).wrap(&[7; 32]).await.unwrap();
        let own = masters(1, Some(2), None).wrap(&[7; 32]).await.unwrap();
        assert_ne!(derived.master, own.master);
        for (masters, opens_derived, opens_own) in [
            (masters(1, None, None), true, false),
            (masters(1, Some(2), None), true, true),
            (masters(9, Some(2), None), false, true),
            (masters(9, Some(3), Some(2)), false, true),
            (masters(9, None, Some(2)), false, true),
            (masters(9, Some(3), None), false, false),
        ] {
            assert_eq!(masters.unwrap(&derived).await.is_ok(), opens_derived);
            assert_eq!(masters.unwrap(&own).await.is_ok(), opens_own);
        }
    }

    #[tokio::test]
    async fn a_previous_key_wraps_nothing() {
        let own = masters(1, Some(2), None).wrap(&[7; 32]).await.unwrap();
        let next = masters(1, Some(3), Some(2)).wrap(&[7; 32]).await.unwrap();
        let derived = masters(1, None, Some(2)).wrap(&[7; 32]).await.unwrap();
        assert_ne!(own.master, next.master);
        assert_ne!(own.master, derived.master);
    }

    #[tokio::test]
    async fn who_cannot_open_it_says_which_key_is_missing() {
        let own = masters(1, Some(2), None).wrap(&[7; 32]).await.unwrap();
        let error = masters(1, Some(3), None).unwrap(&own).await.unwrap_err().to_string();
        assert!(error.contains(&own.master) && error.contains("encryption.previous_master_key"), "{error}");
        let kms = Wrapped { master: "kms:arn:aws:kms:x".to_owned(), bytes: vec![1] };
        let error = masters(1, None, None).unwrap(&kms).await.unwrap_err().to_string();
        assert!(error.contains("arn:aws:kms:x") && error.contains("encryption.kms.key"), "{error}");
    }

    #[tokio::test]
    async fn what_was_changed_is_refused() {
        let mut own = masters(1, Some(2), None).wrap(&[7; 32]).await.unwrap();
        *own.bytes.last_mut().unwrap() ^= 1;
        assert!(masters(1, Some(2), None).unwrap(&own).await.is_err());
    }
}
