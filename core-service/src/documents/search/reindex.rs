//! Puts all documents of a collection into the index anew, in many small transactions, and remembers how far it has come.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use uuid::Uuid;

use super::consumer::put;
use super::form::Form;
use crate::app::AppState;
use crate::database::Scope;
use crate::events::{Handler, Job, NewJob, Outcome, ask};
use crate::problem::Result;

const QUEUE: &str = "search.reindex";

/// How many documents go in at once.
const ROUND: i64 = 200;

/// How long one job goes on; what is left is another one's.
const SHIFT: Duration = Duration::from_secs(20);

/// What is to be put in anew.
#[derive(Debug, Serialize, Deserialize)]
struct Reindex {
    collection: Uuid,
    /// If the form has changed again, somebody else is at it.
    form: String,
}

/// Does it.
pub(in crate::documents) fn handler() -> Handler {
    Handler::new(QUEUE, run)
}

/// After a collection's options or rules may have changed: begins anew if its index has another form than it should.
pub(super) async fn look_at(tx: &mut PgConnection, collection: Uuid) -> anyhow::Result<()> {
    let Some(form) = Form::find(tx, &[collection]).await?.pop() else {
        sqlx::query!("DELETE FROM search_progress WHERE collection_id = $1", collection).execute(&mut *tx).await?;
        sqlx::query!("DELETE FROM search_documents WHERE collection_id = $1", collection).execute(&mut *tx).await?;
        sqlx::query!("DELETE FROM search_words WHERE collection_id = $1", collection).execute(&mut *tx).await?;
        return Ok(());
    };
    let known = sqlx::query_scalar!("SELECT form FROM search_progress WHERE collection_id = $1", collection);
    if known.fetch_optional(&mut *tx).await?.as_ref() != Some(&form.digest) {
        begin(tx, &form).await?;
    }
    Ok(())
}

/// Begins from the first document.
pub(super) async fn begin(tx: &mut PgConnection, form: &Form) -> anyhow::Result<()> {
    sqlx::query!(
        "INSERT INTO search_progress (collection_id, workspace_id, form) VALUES ($1, $2, $3)
         ON CONFLICT (collection_id) DO UPDATE SET form = $3, position = NULL, done = 0, finished_at = NULL",
        form.collection,
        form.workspace,
        form.digest
    )
    .execute(&mut *tx)
    .await?;
    go_on(tx, &Reindex { collection: form.collection, form: form.digest.clone() }).await
}

async fn go_on(tx: &mut PgConnection, reindex: &Reindex) -> anyhow::Result<()> {
    ask(tx, NewJob { queue: QUEUE, reason: None, payload: reindex }).await.map(drop)
}

async fn run(app: AppState, job: Job) -> Outcome {
    let reindex: Reindex = job.payload()?;
    let begun = Instant::now();
    while round(&app, &reindex).await? {
        if begun.elapsed() > SHIFT {
            let mut tx = app.database.begin(&Scope::worker()).await?;
            go_on(&mut tx, &reindex).await?;
            tx.commit().await?;
            return Ok(());
        }
    }
    Ok(())
}

/// Puts in the next documents, and says whether there may be more.
async fn round(app: &AppState, reindex: &Reindex) -> Result<bool> {
    let mut tx = app.database.begin(&Scope::worker()).await?;
    let progress = sqlx::query!(
        "SELECT position FROM search_progress
         WHERE collection_id = $1 AND form = $2 AND finished_at IS NULL FOR UPDATE",
        reindex.collection,
        reindex.form
    );
    let Some(progress) = progress.fetch_optional(&mut *tx).await? else { return Ok(false) };
    let form = Form::find(&mut tx, &[reindex.collection]).await?.pop();
    // What has changed since is told by an event, too.
    let Some(form) = form.filter(|form| form.digest == reindex.form) else { return Ok(false) };
    let documents = sqlx::query_scalar!(
        "SELECT id FROM documents WHERE collection_id = $1 AND ($2::uuid IS NULL OR id > $2) ORDER BY id LIMIT $3",
        reindex.collection,
        progress.position,
        ROUND
    );
    let documents = documents.fetch_all(&mut *tx).await?;
    put(&mut tx, &form, &documents).await?;
    let done = documents.len() as i64;
    sqlx::query!(
        "UPDATE search_progress SET position = coalesce($2, position), done = done + $3,
                finished_at = CASE WHEN $3 < $4 THEN now() END
         WHERE collection_id = $1",
        reindex.collection,
        documents.last(),
        done,
        ROUND
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(done == ROUND)
}
