//! A document's row and its representation.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::PgConnection;
use sqlx::types::Json;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use super::collections::CollectionName;
use super::rules::{Applied, FieldRule};
use crate::problem::{Problem, Result};

/// A document as a client writes it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DocumentBody {
    /// What it holds: an object that fits the collection's schema.
    #[schema(value_type = Object, example = json!({"title": "Rope, 20 m", "price": 12.5}))]
    pub(super) data: Value,
}

/// A document.
#[derive(Debug, Serialize, ToSchema)]
pub struct Document {
    /// Its id.
    pub id: Uuid,
    /// The name of its collection.
    pub collection: String,
    /// Rises with every change; its ETag.
    pub version: i64,
    /// When it was created.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// When it was last changed.
    #[serde(with = "time::serde::rfc3339")]
    pub updated_at: OffsetDateTime,
    /// Who created it; null when that user is gone.
    #[schema(required = true)]
    pub created_by: Option<Uuid>,
    /// Who last changed it; null when that user is gone.
    #[schema(required = true)]
    pub updated_by: Option<Uuid>,
    /// What it holds.
    #[schema(value_type = Object)]
    pub data: Value,
}

/// A document's row.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct Row {
    pub(super) id: Uuid,
    pub(super) version: i64,
    pub(super) created_at: OffsetDateTime,
    pub(super) updated_at: OffsetDateTime,
    pub(super) created_by: Option<Uuid>,
    pub(super) updated_by: Option<Uuid>,
    pub(super) data: Json<Value>,
}

impl Row {
    /// Its representation, as the rules let a caller see it.
    pub(super) fn shown(mut self, collection: &CollectionName, rules: &Applied) -> Document {
        rules.hide(&mut self.data);
        self.document(collection)
    }

    /// Its representation. What is hidden is gone already.
    pub(super) fn document(self, collection: &CollectionName) -> Document {
        Document {
            id: self.id,
            collection: collection.as_str().to_owned(),
            version: self.version,
            created_at: self.created_at,
            updated_at: self.updated_at,
            created_by: self.created_by,
            updated_by: self.updated_by,
            data: self.data.0,
        }
    }

    /// The document and the rules for its fields, 404 if there is none.
    pub(super) async fn find(
        connection: &mut PgConnection,
        workspace: Uuid,
        collection: &CollectionName,
        id: Uuid,
    ) -> Result<(Self, Vec<FieldRule>)> {
        let found = sqlx::query!(
            r#"SELECT d.id, d.version, d.created_at, d.updated_at, d.created_by, d.updated_by,
                      d.data AS "data: Json<Value>", c.field_rules AS "rules: Json<Vec<FieldRule>>"
               FROM documents d JOIN collections c ON c.id = d.collection_id
               WHERE c.workspace_id = $1 AND c.name = $2 AND d.id = $3"#,
            workspace,
            collection.as_str(),
            id
        )
        .fetch_optional(connection)
        .await?
        .ok_or_else(Problem::not_found)?;
        let row = Self {
            id: found.id,
            version: found.version,
            created_at: found.created_at,
            updated_at: found.updated_at,
            created_by: found.created_by,
            updated_by: found.updated_by,
            data: found.data,
        };
        Ok((row, found.rules.0))
    }

    /// The document in a collection, locked until the transaction ends.
    pub(super) async fn lock(connection: &mut PgConnection, collection: Uuid, id: Uuid) -> Result<Self> {
        sqlx::query_as!(
            Self,
            r#"SELECT id, version, created_at, updated_at, created_by, updated_by, data AS "data: Json<Value>"
               FROM documents WHERE collection_id = $1 AND id = $2 FOR UPDATE"#,
            collection,
            id
        )
        .fetch_optional(connection)
        .await?
        .ok_or_else(Problem::not_found)
    }

    /// A new document.
    pub(super) async fn insert(
        connection: &mut PgConnection,
        workspace: Uuid,
        collection: Uuid,
        data: &Value,
        user: Uuid,
    ) -> Result<Self> {
        let row = sqlx::query_as!(
            Self,
            r#"INSERT INTO documents (id, workspace_id, collection_id, data, created_by, updated_by)
               VALUES ($1, $2, $3, $4, $5, $5)
               RETURNING id, version, created_at, updated_at, created_by, updated_by, data AS "data: Json<Value>""#,
            Uuid::now_v7(),
            workspace,
            collection,
            data,
            user
        );
        Ok(row.fetch_one(connection).await?)
    }

    /// Gives a locked document other data, and keeps what it was.
    pub(super) async fn write(&self, connection: &mut PgConnection, data: &Value, user: Uuid) -> Result<Self> {
        let row = sqlx::query_as!(
            Self,
            r#"WITH kept AS (
                   INSERT INTO document_versions
                       (workspace_id, collection_id, document_id, version, data, updated_at, updated_by)
                   SELECT workspace_id, collection_id, id, version, data, updated_at, updated_by
                   FROM documents WHERE id = $1)
               UPDATE documents SET data = $2, version = version + 1, updated_at = now(), updated_by = $3
               WHERE id = $1
               RETURNING id, version, created_at, updated_at, created_by, updated_by, data AS "data: Json<Value>""#,
            self.id,
            data,
            user
        );
        Ok(row.fetch_one(connection).await?)
    }
}
