//! Whether the documents of a collection fit another schema.

use serde_json::Value;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::documents::schema::Schema;
use crate::problem::{FieldError, Problem, Result, kinds};

/// How many documents are held in memory at once.
const PAGE: i64 = 200;
/// How many of those that do not fit are named.
const NAMED: usize = 10;

/// 409 that says how many documents do not fit, and names the first of them. The collection must be locked.
pub(super) async fn check(connection: &mut PgConnection, collection: Uuid, schema: &Schema) -> Result<()> {
    let mut after = Uuid::nil();
    let mut seen = 0_u64;
    let mut misfits = 0_u64;
    let mut errors = Vec::new();
    loop {
        let page = sqlx::query!(
            r#"SELECT id, data AS "data: Json<Value>" FROM documents
               WHERE collection_id = $1 AND id > $2 ORDER BY id LIMIT $3"#,
            collection,
            after,
            PAGE
        )
        .fetch_all(&mut *connection)
        .await?;
        let Some(last) = page.last() else { break };
        after = last.id;
        for document in page {
            seen += 1;
            let Some(wrong) = schema.check(&document.data, "").into_iter().next() else { continue };
            misfits += 1;
            if errors.len() < NAMED {
                let message = format!("document {}: {:?} {}", document.id, wrong.pointer, wrong.message);
                errors.push(FieldError::new("/schema", "incompatible", message));
            }
        }
    }
    if misfits == 0 {
        return Ok(());
    }
    let detail = format!("{misfits} of {seen} documents do not fit; `errors` names the first.");
    Err(Problem::new(&kinds::SCHEMA_INCOMPATIBLE).detail(detail).errors(errors))
}
