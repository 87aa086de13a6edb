//! Identity's housekeeping: keys that are due are rotated, what is over is forgotten.

use super::live::longest_life;
use super::{keys, session};
use crate::app::AppState;
use crate::database::Scope;

/// Replaces the signing key now.
pub async fn rotate_keys(app: &AppState) -> anyhow::Result<()> {
    let config = &app.config.identity;
    let mut tx = begin(app).await?;
    keys::rotate(&mut tx, &app.vault, config.algorithm, longest_life(config)).await?;
    tx.commit().await?;
    app.identity.changed();
    Ok(())
}

/// What is to be done now and then.
pub async fn upkeep(app: &AppState) -> anyhow::Result<()> {
    let config = &app.config.identity;
    if let Some(age) = config.key_rotation {
        let mut tx = begin(app).await?;
        if keys::due(&mut tx, age).await? {
            drop(tx);
            rotate_keys(app).await?;
        }
    }
    let mut tx = begin(app).await?;
    keys::forget_dead(&mut tx).await?;
    session::forget_old(&mut tx, config.refresh_token_life).await?;
    tx.commit().await?;
    Ok(())
}

async fn begin(app: &AppState) -> anyhow::Result<crate::database::Tx> {
    let begun = app.database.begin(&Scope::identity()).await;
    begun.map_err(|problem| anyhow::anyhow!("{}", problem.kind().title))
}
