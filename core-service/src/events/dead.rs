//! Jobs whose last attempt failed: for the operator.

use serde::Serialize;
use serde_json::{Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::app::AppState;
use crate::audit::{self, Action, Event};
use crate::database::Scope;
use crate::problem::Result;

/// A dead job.
#[derive(Debug, Serialize)]
pub struct Dead {
    /// Its id.
    pub id: Uuid,
    /// Who should have done it.
    pub queue: String,
    /// What it was for.
    pub reason: Option<String>,
    /// What it was asked with.
    pub payload: Value,
    /// How often it was tried.
    pub attempts: i32,
    /// Why the last attempt failed.
    pub last_error: Option<String>,
    /// When it was asked for.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
}

/// The newest thousand dead jobs, newest first.
pub async fn dead(app: &AppState) -> Result<Vec<Dead>> {
    let mut tx = app.database.begin(&Scope::worker()).await?;
    let dead = sqlx::query_as!(
        Dead,
        "SELECT id, queue, reason, payload, attempts, last_error, created_at FROM jobs
         WHERE state = 'dead' ORDER BY finished_at DESC LIMIT 1000"
    );
    let dead = dead.fetch_all(&mut *tx).await?;
    audit::record(&mut tx, Event::by_operator(Action::JobsListed).with(json!({ "count": dead.len() }))).await?;
    tx.commit().await?;
    Ok(dead)
}

/// Lets a dead job, or with `None` all of them, be tried again from the beginning; how many there were.
pub async fn revive(app: &AppState, id: Option<Uuid>) -> Result<u64> {
    let mut tx = app.database.begin(&Scope::worker()).await?;
    let revived = sqlx::query!(
        "UPDATE jobs SET state = 'waiting', finished_at = NULL, attempts = 0, run_at = now()
         WHERE state = 'dead' AND ($1::uuid IS NULL OR id = $1)",
        id
    )
    .execute(&mut *tx)
    .await?;
    let event = Event::by_operator(Action::JobsRevived).with(json!({ "job": id, "revived": revived.rows_affected() }));
    audit::record(&mut tx, event).await?;
    tx.commit().await?;
    Ok(revived.rows_affected())
}
