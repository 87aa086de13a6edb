//! Whether the documents of a collection fit what it is to say of them; their unique keys and references are brought to it.

use serde_json::{Value, json};
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::access::{Access, Permission};
use crate::documents::options::{Model, Options};
use crate::documents::schema::Schema;
use crate::problem::{FieldError, Problem, Result, kinds};

/// How many documents are held in memory at once.
const PAGE: i64 = 200;
/// How many of those that do not fit are named.
const NAMED: usize = 10;

/// What is to change in a collection, which must be locked.
pub(super) struct Change<'a> {
    pub(super) workspace: Uuid,
    pub(super) collection: Uuid,
    /// The new one, if it is another.
    pub(super) schema: Option<&'a Schema>,
    pub(super) before: &'a Options,
    pub(super) after: &'a Options,
}

impl Change<'_> {
    /// 409 that says how many documents do not fit, and names the first of them.
    pub(super) async fn check(&self, connection: &mut PgConnection, access: &Access) -> Result<()> {
        let (before, after) = (self.before, self.after);
        let anew =
            before.unique != after.unique || before.references != after.references || before.files != after.files;
        if self.schema.is_none() && !anew {
            return Ok(());
        }
        if anew {
            access.require(Permission::DocumentsWrite)?;
            Model::release(connection, self.collection).await?;
        }
        let model = Model::of_options(self.after);
        let (mut after, mut seen, mut misfits) = (Uuid::nil(), 0_u64, 0_u64);
        let mut errors = Vec::new();
        loop {
            let page = sqlx::query!(
                r#"SELECT id, data AS "data: Json<Value>" FROM documents
                   WHERE collection_id = $1 AND id > $2 ORDER BY id LIMIT $3"#,
                self.collection,
                after,
                PAGE
            )
            .fetch_all(&mut *connection)
            .await?;
            let Some(last) = page.last() else { break };
            after = last.id;
            seen += page.len() as u64;
            let page: Vec<(Uuid, Value)> = page.into_iter().map(|row| (row.id, row.data.0)).collect();
            let mut wrong = Vec::new();
            if let Some(schema) = self.schema {
                wrong.extend(
                    page.iter()
                        .filter_map(|(id, data)| Some((*id, "/schema", schema.check(data, "").into_iter().next()?))),
                );
            }
            if anew {
                let found = model.adopt(connection, self.workspace, self.collection, &page).await?;
                wrong.extend(found.into_iter().map(|(id, error)| (id, "/options", error)));
            }
            misfits += wrong.len() as u64;
            for (id, at, error) in wrong.into_iter().take(NAMED - errors.len()) {
                let message = format!("document {id}: {:?} {}", error.pointer, error.message);
                errors.push((id, FieldError::new(at, "incompatible", message)));
            }
        }
        if misfits == 0 {
            return Ok(());
        }
        let detail = format!("{misfits} of {seen} documents do not fit; `errors` names the first.");
        let (ids, errors): (Vec<Uuid>, Vec<FieldError>) = errors.into_iter().unzip();
        Err(Problem::new(&kinds::SCHEMA_INCOMPATIBLE).detail(detail).errors(errors).with("documents", json!(ids)))
    }
}
