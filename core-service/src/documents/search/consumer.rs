//! Keeps the index as the documents are.

use std::collections::BTreeSet;

use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::form::Form;
use super::reindex;
use crate::events::{Consumer, Event};
use crate::problem::Result;
use crate::search;

/// Follows the log.
pub fn consumer() -> Consumer {
    Consumer::new("search-index", |_, tx, events| Box::pin(follow(tx, events)))
}

async fn follow(tx: &mut PgConnection, events: Vec<Event>) -> anyhow::Result<()> {
    let (mut changed, mut gone, mut collections) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for event in &events {
        // What was restored after it was deleted is there again, and the other way round.
        match (event.kind.split_once('.'), event.document) {
            (Some(("document", "deleted")), Some(document)) => {
                changed.remove(&(event.collection, document));
                gone.insert(document)
            }
            (Some(("document", _)), Some(document)) => {
                gone.remove(&document);
                changed.insert((event.collection, document))
            }
            (Some(("collection", _)), _) => collections.insert(event.collection),
            _ => false,
        };
    }
    let gone: Vec<Uuid> = gone.into_iter().collect();
    search::forget(tx, &gone).await?;
    let named: Vec<Uuid> = changed.iter().map(|(collection, _)| *collection).collect();
    for form in Form::find(tx, &named).await? {
        let documents = changed.iter().filter(|(collection, _)| *collection == form.collection);
        let documents: Vec<Uuid> = documents.map(|(_, document)| *document).collect();
        put(tx, &form, &documents).await?;
    }
    for collection in collections {
        reindex::look_at(tx, collection).await?;
    }
    Ok(())
}

/// How many documents one statement puts in: none of them takes long, however long the documents are.
const ROUND: usize = 20;

/// Puts documents into the index as they are now; those that are gone are left out.
pub(super) async fn put(tx: &mut PgConnection, form: &Form, documents: &[Uuid]) -> Result<()> {
    for documents in documents.chunks(ROUND) {
        put_some(tx, form, documents).await?;
    }
    Ok(())
}

async fn put_some(tx: &mut PgConnection, form: &Form, documents: &[Uuid]) -> Result<()> {
    let rows = sqlx::query!(
        r#"SELECT id, version, data AS "data: Json<serde_json::Value>" FROM documents
           WHERE collection_id = $1 AND id = ANY ($2)"#,
        form.collection,
        documents
    );
    let rows = rows.fetch_all(&mut *tx).await?;
    let entries: Vec<_> = rows.into_iter().map(|row| form.entry(row.id, row.version, row.data.0)).collect();
    search::put(tx, (form.workspace, form.collection), form.language, &form.digest, &entries).await
}
