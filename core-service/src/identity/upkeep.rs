//! Identity's housekeeping: keys that are due are rotated, what is over is forgotten.

use super::live::longest_life;
use super::{api_keys, guesses, keys, mailed_code, mfa, passkeys, providers, registration, session};
use crate::app::AppState;
use crate::audit::{self, Action, Event};
use crate::database::{Scope, Tx};
use crate::vault::Ring;

/// Replaces the signing key now, because an operator said so.
pub async fn rotate_keys(app: &AppState) -> anyhow::Result<()> {
    let ring = app.vault.ring().await?;
    let tx = begin(app).await?;
    rotate(app, tx, &ring, Event::by_operator(Action::SigningKeyRotated)).await
}

async fn rotate(app: &AppState, mut tx: Tx, ring: &Ring, event: Event) -> anyhow::Result<()> {
    let config = &app.config.identity;
    keys::rotate(&mut tx, ring, config.algorithm, longest_life(config)).await?;
    audit::record(&mut tx, event).await?;
    tx.commit().await?;
    app.identity.changed();
    Ok(())
}

/// What is to be done now and then.
pub async fn upkeep(app: &AppState) -> anyhow::Result<()> {
    let config = &app.config.identity;
    let mut tx = begin(app).await?;
    keys::forget_dead(&mut tx).await?;
    session::forget_old(&mut tx, config.refresh_token_life).await?;
    registration::forget_old(&mut tx).await?;
    api_keys::forget_old(&mut tx).await?;
    passkeys::forget_old(&mut tx).await?;
    mfa::forget_old(&mut tx).await?;
    providers::forget_old(&mut tx).await?;
    guesses::forget_old(&mut tx).await?;
    mailed_code::forget_old(&mut tx).await?;
    tx.commit().await?;
    // Last, because more can be wrong with it, and what is over is to be forgotten all the same.
    if let Some(age) = config.key_rotation {
        let ring = app.vault.ring().await?;
        let mut tx = begin(app).await?;
        if keys::due(&mut tx, age).await? {
            rotate(app, tx, &ring, Event::by_system(Action::SigningKeyRotated)).await?;
        }
    }
    Ok(())
}

async fn begin(app: &AppState) -> anyhow::Result<Tx> {
    Ok(app.database.begin(&Scope::identity()).await?)
}
