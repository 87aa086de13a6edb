//! Versions in the database: those that were replaced, and the document itself, which is the newest.

use serde::Serialize;
use serde_json::Value;
use sqlx::PgConnection;
use sqlx::types::Json;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::documents::model::Row;
use crate::problem::{Problem, Result};

/// A version of a document, without what was in it.
#[derive(Debug, Serialize, ToSchema)]
pub struct VersionInfo {
    /// Its number.
    pub version: i64,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    pub updated_at: OffsetDateTime,
    /// Who made it; null when that user is gone.
    #[schema(required = true)]
    pub updated_by: Option<Uuid>,
}

/// A version of a document.
#[derive(Debug, Serialize, ToSchema)]
pub struct DocumentVersion {
    /// Which it is.
    #[serde(flatten)]
    pub info: VersionInfo,
    /// What was in it.
    #[schema(value_type = Object)]
    pub data: Value,
}

impl Row {
    /// A version of the document; 404 if there is none.
    pub(super) async fn version(&self, connection: &mut PgConnection, version: i64) -> Result<DocumentVersion> {
        if version == self.version {
            let info = VersionInfo { version, updated_at: self.updated_at, updated_by: self.updated_by };
            return Ok(DocumentVersion { info, data: self.data.0.clone() });
        }
        let found = sqlx::query!(
            r#"SELECT updated_at, updated_by, data AS "data: Json<Value>" FROM document_versions
               WHERE document_id = $1 AND version = $2"#,
            self.id,
            version
        );
        let found = found.fetch_optional(connection).await?.ok_or_else(Problem::not_found)?;
        let info = VersionInfo { version, updated_at: found.updated_at, updated_by: found.updated_by };
        Ok(DocumentVersion { info, data: found.data.0 })
    }

    /// What was in a version of the document; 404 if there is none.
    pub(in crate::documents) async fn in_version(&self, connection: &mut PgConnection, version: i64) -> Result<Value> {
        Ok(self.version(connection, version).await?.data)
    }
}
