//! A collection's row and its representation.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::PgConnection;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use super::compatible;
use crate::audit::{self, Action, Event};
use crate::documents::schema::Schema;
use crate::identity::Caller;
use crate::problem::{OnConstraint, Problem, Result, kinds};

/// A collection's name, which stands in paths: 1 to 63 lower-case letters, digits, `_` and `-`, a letter first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, pattern = r"^[a-z][a-z0-9_-]{0,62}$", example = "orders")]
pub struct CollectionName(String);

impl CollectionName {
    /// As it stands in paths.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for CollectionName {
    type Error = &'static str;

    fn try_from(name: String) -> std::result::Result<Self, Self::Error> {
        let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-';
        let begins = name.bytes().next().is_some_and(|b| b.is_ascii_lowercase());
        if begins && name.len() <= 63 && name.bytes().all(fits) { Ok(Self(name)) } else { Err("no collection's name") }
    }
}

impl From<CollectionName> for String {
    fn from(name: CollectionName) -> Self {
        name.0
    }
}

/// A collection as a client writes it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CollectionBody {
    /// Its name, unique in the workspace.
    pub(super) name: CollectionName,
    /// The JSON Schema (2020-12) that every document's data fits. References stay inside it.
    #[schema(value_type = Object, example = json!({"type": "object", "properties": {"title": {"type": "string"}}}))]
    pub(super) schema: Value,
}

/// A collection.
#[derive(Debug, Serialize, ToSchema)]
pub struct Collection {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// The JSON Schema (2020-12) that every document's data fits.
    #[schema(value_type = Object)]
    pub schema: Value,
    /// Rises with every change; its ETag.
    pub version: i64,
    /// When it was created.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// When it was last changed.
    #[serde(with = "time::serde::rfc3339")]
    pub updated_at: OffsetDateTime,
}

/// The schema, if it can be one.
pub(super) fn compile(source: Value) -> Result<Schema> {
    Schema::compile(source).map_err(|mut errors| {
        for error in &mut errors {
            error.pointer.insert_str(0, "/schema");
        }
        Problem::validation(errors)
    })
}

/// What a broken `collections_name` means.
pub(super) fn name_taken() -> Problem {
    Problem::new(&kinds::NAME_TAKEN).detail("Another collection of this workspace has this name.")
}

impl Collection {
    /// The collection, 404 if there is none.
    pub(super) async fn find(connection: &mut PgConnection, workspace: Uuid, name: &CollectionName) -> Result<Self> {
        sqlx::query_as!(
            Self,
            "SELECT id, name, schema, version, created_at, updated_at
             FROM collections WHERE workspace_id = $1 AND name = $2",
            workspace,
            name.as_str()
        )
        .fetch_optional(connection)
        .await?
        .ok_or_else(Problem::not_found)
    }

    /// The same, locked: until the transaction ends nobody else changes it or writes its documents.
    pub(in crate::documents) async fn lock(
        connection: &mut PgConnection,
        workspace: Uuid,
        name: &CollectionName,
    ) -> Result<Self> {
        sqlx::query_as!(
            Self,
            "SELECT id, name, schema, version, created_at, updated_at
             FROM collections WHERE workspace_id = $1 AND name = $2 FOR UPDATE",
            workspace,
            name.as_str()
        )
        .fetch_optional(connection)
        .await?
        .ok_or_else(Problem::not_found)
    }

    /// Gives a locked collection another name and schema, if its documents fit.
    pub(super) async fn change(
        self,
        connection: &mut PgConnection,
        caller: &Caller,
        workspace: Uuid,
        body: CollectionBody,
    ) -> Result<Self> {
        let schema_changed = body.schema != self.schema;
        if schema_changed {
            let schema = compile(body.schema.clone())?;
            compatible::check(connection, self.id, &schema).await?;
        }
        let changed = sqlx::query_as!(
            Self,
            "UPDATE collections SET name = $2, schema = $3, version = version + 1, updated_at = now()
             WHERE id = $1 RETURNING id, name, schema, version, created_at, updated_at",
            self.id,
            body.name.as_str(),
            body.schema
        )
        .fetch_one(&mut *connection)
        .await
        .on_constraint("collections_name", name_taken)?;
        let names = json!({ "from": self.name, "to": changed.name });
        let event = Event::by(caller, Action::CollectionChanged).in_workspace(workspace);
        let event = event.about("collection", self.id).with(json!({ "name": names, "schema_changed": schema_changed }));
        audit::record(connection, event).await?;
        Ok(changed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_can_stand_in_paths() {
        for (name, good) in [
            ("orders", true),
            ("a", true),
            ("a-b_c9", true),
            ("", false),
            ("9a", false),
            ("-a", false),
            ("Orders", false),
            ("a b", false),
            ("a/b", false),
            ("a\0", false),
            ("größe", false),
        ] {
            assert_eq!(CollectionName::try_from(name.to_owned()).is_ok(), good, "{name}");
        }
        assert!(CollectionName::try_from("a".repeat(63)).is_ok());
        assert!(CollectionName::try_from("a".repeat(64)).is_err());
    }
}
