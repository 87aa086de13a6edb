//! What edges are to forget of what they keep: by URL, by tag (`Surrogate-Key`, `Cache-Tag`), or everything.
//!
//! Rules: a purge is a row with the next number, made while nobody else makes one, so that numbers are in the order in
//! which they take effect; the newest stays, so that the last number never falls; of purges of the same thing the last
//! counts; of very many, the oldest become one of everything, which forgets more than was asked for and never less.

mod command;
pub(super) mod endpoint;
mod held;

pub use self::command::Purge;

pub(super) use self::held::{Held, Purges};
use serde_json::json;
use sqlx::PgConnection;

use crate::app::AppState;
use crate::audit::{self, Action, Event};
use crate::database::Scope;
use crate::problem::Result;

/// So many are published one by one.
const MOST: i64 = 1_000;

impl Purge {
    /// Makes it known to every edge, and says its number. `by` tells the trail which way the operator took.
    pub async fn make(&self, app: &AppState, by: &str) -> Result<i64> {
        let mut tx = app.database.begin(&Scope::upkeep()).await?;
        let number = self.write(&mut tx).await?;
        let url = self.url.as_deref().map(|url| url.chars().take(1000).collect::<String>());
        let details = json!({ "number": number, "url": url, "tag": self.tag, "everything": self.everything,
                              "soft": self.soft, "by": by });
        audit::record(&mut tx, Event::by_operator(Action::CachePurged).with(details)).await?;
        tx.commit().await?;
        app.edge.purges.look_again();
        app.edge.news.tell();
        tracing::info!(number, url, tag = self.tag, soft = self.soft, "a purge");
        Ok(number)
    }

    /// Writes it down. When the transaction commits, every core hears of it.
    pub(crate) async fn write(&self, tx: &mut PgConnection) -> Result<i64> {
        let (url, tag) = (self.url.as_deref(), self.tag.as_deref());
        // Numbers that were given side by side could become visible in another order.
        sqlx::query!("LOCK TABLE edge_purges IN SHARE ROW EXCLUSIVE MODE").execute(&mut *tx).await?;
        let number = sqlx::query_scalar!(
            r#"INSERT INTO edge_purges (number, url, tag, soft)
               VALUES ((SELECT coalesce(max(number), 0) + 1 FROM edge_purges), $1, $2, $3) RETURNING number"#,
            url,
            tag,
            self.soft
        )
        .fetch_one(&mut *tx)
        .await?;
        // A hard one makes all before it needless, a soft one those that were soft.
        sqlx::query!(
            "DELETE FROM edge_purges WHERE number < $1 AND url IS NOT DISTINCT FROM $2 AND tag IS NOT DISTINCT FROM $3
             AND (soft OR NOT $4)",
            number,
            url,
            tag,
            self.soft
        )
        .execute(&mut *tx)
        .await?;
        if url.is_none() && tag.is_none() {
            sqlx::query!("DELETE FROM edge_purges WHERE number < $1", number).execute(&mut *tx).await?;
        }
        let oldest = sqlx::query_scalar!("SELECT number FROM edge_purges ORDER BY number DESC OFFSET $1 LIMIT 1", MOST)
            .fetch_optional(&mut *tx)
            .await?;
        if let Some(oldest) = oldest {
            sqlx::query!("DELETE FROM edge_purges WHERE number < $1", oldest).execute(&mut *tx).await?;
            sqlx::query!("UPDATE edge_purges SET url = NULL, tag = NULL, soft = false WHERE number = $1", oldest)
                .execute(&mut *tx)
                .await?;
        }
        Ok(number)
    }
}
