//! The log: what happened to collections and documents, in one order that everybody sees.
//!
//! A write tells of itself in its own transaction (triggers, `migrations/0073_events.sql`), into an inbox. Afterwards
//! [`number`] moves what has committed into the log, one core at a time: so a number never appears behind one that
//! somebody has read already, and events about one document are in the order in which it changed.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::app::AppState;
use crate::database::Scope;
use crate::problem::Result;

/// What is numbered at once.
const ROUND: i64 = 1000;

/// Only one core numbers at a time. Any number that nobody else locks.
const LOCK: i64 = 0x6272_6561_6b01;

/// What is notified when there is more in the log.
pub(super) const CHANNEL: &str = "breakwater_events";

/// Something that happened.
#[derive(Debug, Clone)]
pub struct Event {
    /// Its place in the log.
    pub number: i64,
    /// Its id, the same for whoever hears of it twice.
    pub id: Uuid,
    /// Where.
    pub workspace: Uuid,
    /// What: `document.created` and so on.
    pub kind: String,
    /// In which collection, or to which.
    pub collection: Uuid,
    /// To which document, if to one.
    pub document: Option<Uuid>,
    /// The document's version after it; of a deleted one its last.
    pub version: Option<i64>,
    /// Who did it.
    pub actor: Option<Uuid>,
    /// When its transaction began.
    pub at: OffsetDateTime,
}

/// Numbers what has committed, and says how much was waiting.
pub async fn number(app: &AppState) -> Result<usize> {
    let mut all = 0;
    loop {
        let mut tx = app.database.begin(&Scope::worker()).await?;
        sqlx::query!("SELECT pg_advisory_xact_lock($1)", LOCK).fetch_one(&mut *tx).await?;
        let moved = sqlx::query_scalar!(
            r#"WITH told AS (
                   DELETE FROM event_inbox WHERE id IN (SELECT id FROM event_inbox ORDER BY id LIMIT $1) RETURNING *),
               kept AS (
                   INSERT INTO events (workspace_id, type, collection_id, document_id, version, actor_id, at)
                   SELECT t.workspace, t.type, t.collection_id, t.document_id, t.version, t.actor_id, t.at
                   FROM told t JOIN workspaces w ON w.id = t.workspace ORDER BY t.id
                   RETURNING number)
               SELECT count(*) AS "count!" FROM told"#,
            ROUND
        )
        .fetch_one(&mut *tx)
        .await?;
        if moved > 0 {
            sqlx::query!("SELECT pg_notify($1, '')", CHANNEL).fetch_one(&mut *tx).await?;
            tx.commit().await?;
        }
        all += usize::try_from(moved).unwrap_or_default();
        if moved < ROUND {
            return Ok(all);
        }
    }
}

/// Up to `most` events behind a number, in their order.
pub(super) async fn behind(tx: &mut PgConnection, number: i64, most: i64) -> Result<Vec<Event>> {
    let events = sqlx::query_as!(
        Event,
        "SELECT number, id, workspace_id AS workspace, type AS kind, collection_id AS collection, document_id AS document,
                version, actor_id AS actor, at
         FROM events WHERE number > $1 ORDER BY number LIMIT $2",
        number,
        most
    );
    Ok(events.fetch_all(tx).await?)
}

/// Forgets events that are older than `days` and that every consumer has seen.
pub async fn forget_old(tx: &mut PgConnection, days: u32) -> Result<()> {
    sqlx::query!(
        "DELETE FROM events WHERE at < now() - make_interval(days => $1)
         AND number <= (SELECT coalesce(min(position), 0) FROM event_consumers)",
        i32::try_from(days).unwrap_or(i32::MAX)
    )
    .execute(tx)
    .await?;
    Ok(())
}
