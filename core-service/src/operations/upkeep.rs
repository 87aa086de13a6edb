//! Housekeeping, hourly, beside the requests: any core may do it, and doing it twice does no harm.

use std::time::Duration;

use crate::app::AppState;
use crate::database::Scope;
use crate::{documents, events, files, identity, workspaces};

const EVERY: Duration = Duration::from_secs(3600);

/// Does it once a minute after the start and then hourly, for as long as it is polled.
pub async fn run(app: AppState) {
    tokio::time::sleep(Duration::from_secs(60)).await;
    loop {
        if let Err(error) = once(&app).await {
            tracing::warn!(error = %format!("{error:#}"), "housekeeping failed; the next hour tries again");
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// Rotates what is due and forgets what is over.
pub async fn once(app: &AppState) -> anyhow::Result<()> {
    // A key that cannot be rotated does not keep the rest from being done.
    let identity = identity::upkeep(app).await;
    let mut tx = app.database.begin(&Scope::upkeep()).await?;
    sqlx::query!("DELETE FROM idempotency_keys WHERE created_at < now() - interval '24 hours'")
        .execute(&mut *tx)
        .await?;
    workspaces::invitations::forget_old(&mut tx).await?;
    tx.commit().await?;
    for id in app.vault.forget_unused().await? {
        tracing::info!(id, "data key forgotten: nothing needs it");
    }
    while sweep_trash(app).await? > 0 {}
    files::sweep::sweep(app).await?;
    let mut tx = app.database.begin(&Scope::worker()).await?;
    events::forget_done(&mut tx, app.config.events.keep_done).await?;
    events::log::forget_old(&mut tx, app.config.events.keep_days).await?;
    tx.commit().await?;
    identity
}

/// In many small transactions: nobody waits long for one of them.
async fn sweep_trash(app: &AppState) -> anyhow::Result<u64> {
    let mut tx = app.database.begin(&Scope::upkeep()).await?;
    let gone = documents::trash::sweep(&mut tx).await?;
    tx.commit().await?;
    Ok(gone)
}
