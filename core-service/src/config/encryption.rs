//! The master key, which encrypts the data keys.

use url::Url;

use super::{ConfigError, Secret, Section};

/// Encryption's settings.
#[derive(Debug, Clone)]
pub struct EncryptionConfig {
    /// Which master key wraps data keys. The others only open what they wrapped.
    pub master: Master,
    /// A master key; `None` derives one from `identity.secret_key`.
    pub master_key: Option<Secret>,
    /// The one before it.
    pub previous_master_key: Option<Secret>,
    /// A master key in KMS.
    pub kms: Option<KmsConfig>,
}

/// Where a master key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Master {
    /// In this configuration.
    Key,
    /// In KMS.
    Kms,
}

/// A key of AWS KMS, and who asks for it.
#[derive(Debug, Clone)]
pub struct KmsConfig {
    /// Its id, alias or ARN.
    pub key: String,
    /// Its region.
    pub region: String,
    /// Where KMS answers.
    pub endpoint: Url,
    /// The access key's id.
    pub access_key_id: String,
    /// The access key.
    pub secret_access_key: Secret,
    /// The session's token, if the access key is a temporary one.
    pub session_token: Option<Secret>,
}

impl EncryptionConfig {
    pub(super) fn read(section: &Section<'_>) -> Result<Self, ConfigError> {
        let kms = section.section("kms")?;
        let kms = kms.optional("key")?.map(|key| KmsConfig::read(key, &kms)).transpose()?;
        let master = match section.string("master")? {
            "key" => Master::Key,
            "kms" if kms.is_some() => Master::Kms,
            "kms" => return Err(section.bad("kms.key", "must be set, since encryption.master is kms")),
            _ => return Err(section.bad("master", "must be key or kms")),
        };
        Ok(Self {
            master,
            master_key: section.secret("master_key")?,
            previous_master_key: section.secret("previous_master_key")?,
            kms,
        })
    }
}

impl KmsConfig {
    fn read(key: &str, section: &Section<'_>) -> Result<Self, ConfigError> {
        let region = section.string("region")?;
        if !region.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            return Err(section.bad("region", "must be the name of a region, such as eu-central-1"));
        }
        let endpoint = match section.optional("endpoint")? {
            Some(_) => section.parse("endpoint")?,
            None => {
                format!("https://kms.{region}.amazonaws.com/").parse().map_err(|_| section.bad("region", "is none"))?
            }
        };
        let secret = section.secret("secret_access_key")?;
        Ok(Self {
            key: key.to_owned(),
            region: region.to_owned(),
            endpoint,
            access_key_id: section.string("access_key_id")?.to_owned(),
            secret_access_key: secret.ok_or_else(|| section.bad("secret_access_key", "must be set"))?,
            session_token: section.secret("session_token")?,
        })
    }
}
