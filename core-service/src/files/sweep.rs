//! What nobody needs any more goes: files whose time in the trash is over, and content that no version names.
//!
//! Content goes from the store before its row does, and the row is locked meanwhile, so that no version can come to name it; a version
//! that is there keeps it, whatever its state. Should the machine stop in between, the row is still there, and the next sweep goes on.

use uuid::Uuid;

use crate::app::AppState;
use crate::database::Scope;

/// How many at once: nobody waits long for one of these transactions.
const ROUND: i64 = 100;

/// Sweeps all there is.
pub async fn sweep(app: &AppState) -> anyhow::Result<()> {
    while purge(app).await? > 0 {}
    while forget(app).await? > 0 {}
    while forget_pieces(app).await? > 0 {}
    Ok(())
}

/// Files whose time is over.
async fn purge(app: &AppState) -> anyhow::Result<u64> {
    let mut tx = app.database.begin(&Scope::files()).await?;
    let gone = sqlx::query!(
        "DELETE FROM files WHERE id IN (
             SELECT id FROM files WHERE deleted_at < now() - make_interval(days => $1)
               AND NOT legal_hold AND coalesce(retain_until <= now(), true) ORDER BY deleted_at LIMIT $2
             FOR UPDATE SKIP LOCKED)",
        app.config.files.trash_days,
        ROUND
    );
    let gone = gone.execute(&mut *tx).await?.rows_affected();
    tx.commit().await?;
    Ok(gone)
}

/// Content that was condemned, and what has not arrived in time.
async fn forget(app: &AppState) -> anyhow::Result<u64> {
    let mut tx = app.database.begin(&Scope::files()).await?;
    let condemned = sqlx::query_scalar!(
        "SELECT id FROM file_contents c
         WHERE (state = 'condemned' OR state = 'arriving' AND expires_at < now())
           AND NOT EXISTS (SELECT FROM file_versions v WHERE v.content_id = c.id)
         ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED",
        ROUND
    );
    let mut gone = Vec::new();
    for id in condemned.fetch_all(&mut *tx).await? {
        let pieces = sqlx::query_scalar!("SELECT id FROM file_pieces WHERE content_id = $1", id);
        let all = [vec![id], pieces.fetch_all(&mut *tx).await?].concat();
        if delete(app, &all).await.len() == all.len() {
            gone.push(id);
        }
    }
    let gone = sqlx::query!("DELETE FROM file_contents WHERE id = ANY ($1)", &gone).execute(&mut *tx).await?;
    tx.commit().await?;
    Ok(gone.rows_affected())
}

/// Pieces that broke off with the core that took them in, a day ago.
async fn forget_pieces(app: &AppState) -> anyhow::Result<u64> {
    let mut tx = app.database.begin(&Scope::files()).await?;
    let broken = sqlx::query_scalar!(
        "SELECT id FROM file_pieces WHERE number IS NULL AND created_at < now() - interval '1 day'
         ORDER BY created_at LIMIT $1 FOR UPDATE SKIP LOCKED",
        ROUND
    );
    let gone = delete(app, &broken.fetch_all(&mut *tx).await?).await;
    let gone = sqlx::query!("DELETE FROM file_pieces WHERE id = ANY ($1)", &gone).execute(&mut *tx).await?;
    tx.commit().await?;
    Ok(gone.rows_affected())
}

/// Deletes from the store, and says what is gone.
async fn delete(app: &AppState, ids: &[Uuid]) -> Vec<Uuid> {
    let mut gone = Vec::new();
    for id in ids {
        match app.files.delete(*id).await {
            Ok(()) => gone.push(*id),
            Err(error) => {
                tracing::warn!(content = %id, %error, "not deleted from the file store; the next sweep tries again")
            }
        }
    }
    gone
}
