//! Files.

use std::path::PathBuf;

use url::Url;

use super::{ConfigError, Secret, Section};

/// The settings of files.
#[derive(Debug, Clone)]
pub struct FilesConfig {
    /// Where their content lies.
    pub store: FileStore,
    /// The most that one file may have, in bytes.
    pub max_bytes: u64,
    /// The most that a workspace may keep, in bytes; `None` is no limit.
    pub workspace_bytes: Option<i64>,
    /// How long a deleted file can be restored.
    pub trash_days: i32,
}

/// Where the content of files lies.
#[derive(Debug, Clone)]
pub enum FileStore {
    /// In this folder.
    Folder(PathBuf),
    /// In this bucket.
    S3(Box<S3Config>),
}

/// A bucket of S3, or of what speaks it.
#[derive(Debug, Clone)]
pub struct S3Config {
    /// Its name.
    pub bucket: String,
    /// Its region.
    pub region: String,
    /// Where it is, if it is not Amazon's.
    pub endpoint: Option<Url>,
    /// Where clients find it, if not there.
    pub links_endpoint: Option<Url>,
    /// Whether the bucket's name stands in the path, and not in the host's name.
    pub path_style: bool,
    /// What every key begins with.
    pub prefix: String,
    /// Who we are.
    pub access_key: String,
    /// How we prove it.
    pub secret_key: Secret,
    /// How S3 encrypts what it keeps, if we ask it to: `AES256` or `aws:kms`.
    pub encryption: Option<String>,
}

impl S3Config {
    fn read(section: &Section<'_>) -> Result<Self, ConfigError> {
        let secret_key = section.secret("s3_secret_key")?;
        let encryption = section.optional("s3_encryption")?;
        if encryption.is_some_and(|encryption| !["AES256", "aws:kms"].contains(&encryption)) {
            return Err(section.bad("s3_encryption", "must be AES256 or aws:kms"));
        }
        Ok(Self {
            bucket: section.string("s3_bucket")?.to_owned(),
            region: section.string("s3_region")?.to_owned(),
            endpoint: section.parse_optional("s3_endpoint")?,
            links_endpoint: section.parse_optional("s3_links_endpoint")?,
            path_style: section.boolean("s3_path_style")?,
            prefix: section.optional("s3_prefix")?.unwrap_or_default().to_owned(),
            access_key: section.string("s3_access_key")?.to_owned(),
            secret_key: secret_key.ok_or_else(|| section.bad("s3_secret_key", "must be set"))?,
            encryption: encryption.map(str::to_owned),
        })
    }
}

impl FilesConfig {
    pub(super) fn read(section: &Section<'_>) -> Result<Self, ConfigError> {
        let store = match section.string("store")? {
            "folder" => FileStore::Folder(section.string("folder")?.into()),
            "s3" => FileStore::S3(Box::new(S3Config::read(section)?)),
            _ => return Err(section.bad("store", "must be folder or s3")),
        };
        let workspace_bytes = section.integer("workspace_bytes", 0..=i64::MAX)?;
        Ok(Self {
            store,
            max_bytes: section.integer("max_bytes", 1..=1 << 42)?,
            workspace_bytes: Some(workspace_bytes).filter(|bytes| *bytes > 0),
            trash_days: section.integer("trash_days", 0..=3650)?,
        })
    }
}
