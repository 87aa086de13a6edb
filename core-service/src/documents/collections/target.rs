//! The collection that a request for documents is about: its id and its schema, which is compiled only when it is new
//! to this process.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::CollectionName;
use crate::documents::options::{Model, Options};
use crate::documents::rules::FieldRule;
use crate::documents::schema::{self, Schema};
use crate::problem::{Problem, Result};

/// A collection, as far as its documents need it.
#[derive(Debug, Clone)]
pub(in crate::documents) struct Target {
    pub(in crate::documents) id: Uuid,
    pub(in crate::documents) schema: Arc<Schema>,
    pub(in crate::documents) rules: Vec<FieldRule>,
    pub(in crate::documents) options: Options,
}

impl Target {
    /// For reading: it may change meanwhile.
    pub(in crate::documents) async fn for_reading(
        connection: &mut PgConnection,
        workspace: Uuid,
        name: &CollectionName,
    ) -> Result<Self> {
        let found = sqlx::query!(
            r#"SELECT id, version, field_rules AS "rules: Json<Vec<FieldRule>>", options AS "options: Json<Options>"
               FROM collections WHERE workspace_id = $1 AND name = $2"#,
            workspace,
            name.as_str()
        )
        .fetch_optional(&mut *connection)
        .await?
        .ok_or_else(Problem::not_found)?;
        let schema = compiled(connection, found.id, found.version).await?;
        Ok(Self { id: found.id, schema, rules: found.rules.0, options: found.options.0 })
    }

    /// Those of these names that the caller sees, for reading.
    pub(in crate::documents) async fn named(
        connection: &mut PgConnection,
        workspace: Uuid,
        names: &[String],
    ) -> Result<HashMap<String, Self>> {
        let rows = sqlx::query!(
            r#"SELECT id, name, version, field_rules AS "rules: Json<Vec<FieldRule>>", options AS "options: Json<Options>"
               FROM collections WHERE workspace_id = $1 AND name = ANY ($2)"#,
            workspace,
            names
        );
        let mut found = HashMap::new();
        for row in rows.fetch_all(&mut *connection).await? {
            let schema = compiled(connection, row.id, row.version).await?;
            found.insert(row.name, Self { id: row.id, schema, rules: row.rules.0, options: row.options.0 });
        }
        Ok(found)
    }

    /// For writing: until the transaction ends it stays as it is, so what fits now still fits then.
    pub(in crate::documents) async fn for_writing(
        connection: &mut PgConnection,
        workspace: Uuid,
        name: &CollectionName,
    ) -> Result<Self> {
        let found = sqlx::query!(
            r#"SELECT id, version, field_rules AS "rules: Json<Vec<FieldRule>>", options AS "options: Json<Options>"
               FROM collections WHERE workspace_id = $1 AND name = $2 FOR SHARE"#,
            workspace,
            name.as_str()
        )
        .fetch_optional(&mut *connection)
        .await?
        .ok_or_else(Problem::not_found)?;
        let schema = compiled(connection, found.id, found.version).await?;
        Ok(Self { id: found.id, schema, rules: found.rules.0, options: found.options.0 })
    }

    /// What it says of its documents.
    pub(in crate::documents) fn model(&self) -> Model {
        Model::of(&self.schema, &self.options)
    }
}

async fn compiled(connection: &mut PgConnection, id: Uuid, version: i64) -> Result<Arc<Schema>> {
    if let Some(schema) = schema::remembered(id, version) {
        return Ok(schema);
    }
    // With the version that it has: unlocked, it may have changed since.
    let found = sqlx::query!(r#"SELECT version, schema AS "schema: Json<Value>" FROM collections WHERE id = $1"#, id)
        .fetch_optional(connection)
        .await?
        .ok_or_else(Problem::not_found)?;
    let schema = Schema::compile(found.schema.0)
        .map_err(|errors| Problem::internal(format!("the schema of collection {id}: {errors:?}")))?;
    let schema = Arc::new(schema);
    schema::remember(id, found.version, schema.clone());
    Ok(schema)
}
