//! A write to a collection that everybody may read purges what edges keep of it.

use std::collections::BTreeSet;

use sqlx::PgConnection;
use uuid::Uuid;

use crate::edge::purges::Purge;
use crate::events::{Consumer, Event};

/// The tag of all answers about a collection's documents.
pub(super) fn tag(collection: Uuid) -> String {
    format!("collection-{collection}")
}

/// Makes the purges.
pub fn consumer() -> Consumer {
    Consumer::new("public-purges", |_, tx, events| Box::pin(purge(tx, events)))
}

async fn purge(tx: &mut PgConnection, events: Vec<Event>) -> anyhow::Result<()> {
    let mut written = BTreeSet::new();
    // Of one that was changed or is gone, nobody knows any more whether it was public.
    let mut purged = BTreeSet::new();
    for event in events {
        match event.kind.split_once('.') {
            Some(("document", _)) => written.insert(event.collection),
            Some(("collection", "changed" | "deleted")) => purged.insert(event.collection),
            _ => false,
        };
    }
    let written: Vec<Uuid> = written.into_iter().collect();
    let public = sqlx::query_scalar!(
        "SELECT id FROM collections WHERE id = ANY ($1) AND options -> 'public' IS NOT NULL",
        &written
    );
    purged.extend(public.fetch_all(&mut *tx).await?);
    for collection in purged {
        Purge { tag: Some(tag(collection)), ..Purge::default() }.write(tx).await?;
    }
    Ok(())
}
