//! A collection's row and its representation.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::PgConnection;
use sqlx::types::Json as Jsonb;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use super::compatible;
use crate::access::{Access, Permission};
use crate::audit::{self, Action, Event};
use crate::documents::options::{self, Options};
use crate::documents::schema::Schema;
use crate::identity::Caller;
use crate::problem::{FieldError, OnConstraint, Problem, Result, kinds};

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
    /// What else it says of its documents.
    #[serde(default)]
    #[schema(required = false)]
    pub(super) options: Options,
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
    /// What else it says of its documents.
    #[schema(value_type = Options)]
    pub options: Jsonb<Options>,
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
            r#"SELECT id, name, schema, options AS "options: Jsonb<Options>", version, created_at, updated_at
             FROM collections WHERE workspace_id = $1 AND name = $2"#,
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
            r#"SELECT id, name, schema, options AS "options: Jsonb<Options>", version, created_at, updated_at
             FROM collections WHERE workspace_id = $1 AND name = $2 FOR UPDATE"#,
            workspace,
            name.as_str()
        )
        .fetch_optional(connection)
        .await?
        .ok_or_else(Problem::not_found)
    }

    /// Gives a locked collection another name, schema and options, if its documents fit.
    pub(super) async fn change(
        self,
        connection: &mut PgConnection,
        caller: &Caller,
        access: &Access,
        workspace: Uuid,
        mut body: CollectionBody,
    ) -> Result<Self> {
        // References to itself follow it.
        body.options.rename(&self.name, &body.name);
        let schema_changed = body.schema != self.schema;
        let options_changed = body.options != self.options.0;
        if schema_changed || options_changed {
            // Whoever does not see a document cannot know whether it fits.
            access.require(Permission::DocumentsRead)?;
        }
        let schema = compile(body.schema.clone())?;
        checked(connection, &schema, &body.options, &body.name).await?;
        let changed = sqlx::query_as!(
            Self,
            r#"UPDATE collections SET name = $2, schema = $3, options = $4, version = version + 1, updated_at = now()
               WHERE id = $1
               RETURNING id, name, schema, options AS "options: Jsonb<Options>", version, created_at, updated_at"#,
            self.id,
            body.name.as_str(),
            body.schema,
            Jsonb(&body.options) as _
        )
        .fetch_one(&mut *connection)
        .await
        .on_constraint("collections_name", name_taken)?;
        let schema = schema_changed.then_some(&schema);
        let (before, after) = (&self.options.0, &body.options);
        let change = compatible::Change { workspace, collection: self.id, schema, before, after };
        change.check(connection, access).await?;
        if self.name != changed.name {
            follow(connection, workspace, &self.name, &body.name).await?;
        }
        let names = json!({ "from": self.name, "to": changed.name });
        let event = Event::by(caller, Action::CollectionChanged).in_workspace(workspace);
        let details = json!({ "name": names, "schema_changed": schema_changed, "options_changed": options_changed });
        audit::record(connection, event.about("collection", self.id).with(details)).await?;
        Ok(changed)
    }
}

/// 422 if the options make no sense with the schema, or refer to a collection that is not there. A collection
/// that is being made or renamed may refer to itself by its new name, `own`.
pub(super) async fn checked(
    connection: &mut PgConnection,
    schema: &Schema,
    options: &Options,
    own: &CollectionName,
) -> Result<()> {
    let mut errors = options::check(schema, options);
    for (index, reference) in options.references.iter().enumerate() {
        let name = reference.collection.as_str();
        let found =
            sqlx::query_scalar!("SELECT breakwater_collection_named($1)", name).fetch_one(&mut *connection).await?;
        if found.is_none() && reference.collection != *own {
            let at = format!("/options/references/{index}/collection");
            errors.push(FieldError::new(at, "unknown", "is no collection of this workspace"));
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(Problem::validation(errors)) }
}

/// The references of other collections follow one that is renamed.
async fn follow(connection: &mut PgConnection, workspace: Uuid, from: &str, to: &CollectionName) -> Result<()> {
    for (id, mut options) in referring(connection, workspace, from).await? {
        options.rename(from, to);
        sqlx::query!(
            "UPDATE collections SET options = $2, version = version + 1, updated_at = now() WHERE id = $1",
            id,
            Jsonb(&options) as _
        )
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// The collections that refer to one, locked.
pub(super) async fn referring(
    connection: &mut PgConnection,
    workspace: Uuid,
    name: &str,
) -> Result<Vec<(Uuid, Options)>> {
    let found = sqlx::query!(
        r#"SELECT id, options AS "options: Jsonb<Options>" FROM collections
           WHERE workspace_id = $1 AND options -> 'references' @> $2 ORDER BY id FOR UPDATE"#,
        workspace,
        json!([{ "collection": name }])
    );
    Ok(found.fetch_all(connection).await?.into_iter().map(|found| (found.id, found.options.0)).collect())
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
