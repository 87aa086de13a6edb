//! What operators do about encryption at rest: docs/security/keys.md tells when.

use serde::Serialize;
use serde_json::json;
use sqlx::PgConnection;

use crate::app::AppState;
use crate::audit::{self, Action, Event};
use crate::database::Scope;
use crate::http::idempotency;
use crate::problem::Result;
use crate::vault::{Batch, Ring};
use crate::{identity, mail};

/// What was encrypted anew.
#[derive(Debug, Default, Serialize)]
pub struct Reencrypted {
    /// Private keys that sign tokens.
    pub signing_keys: u64,
    /// Seeds of authenticator apps.
    pub second_factors: u64,
    /// Answers that are kept for repetitions.
    pub idempotency_keys: u64,
    /// Mails on their way.
    pub jobs: u64,
    /// What could not be decrypted, and was left as it is.
    pub unreadable: u64,
}

/// Replaces the data key by a new one, whose id this is. Values stay as they are.
pub async fn rotate(app: &AppState) -> Result<i32> {
    let (mut tx, id) = app.vault.rotate().await?;
    audit::record(&mut tx, Event::by_operator(Action::DataKeyRotated).with(json!({ "id": id }))).await?;
    tx.commit().await?;
    Ok(id)
}

/// Has every data key wrapped by the master key that is in use: how many there are.
pub async fn rewrap(app: &AppState) -> Result<usize> {
    let (mut tx, count) = app.vault.rewrap().await?;
    audit::record(&mut tx, Event::by_operator(Action::DataKeysRewrapped).with(json!({ "count": count }))).await?;
    tx.commit().await?;
    Ok(count)
}

/// Encrypts everything that an older key encrypted with the newest, in many small transactions beside all other work. What
/// was done stays done if it is broken off.
pub async fn reencrypt(app: &AppState) -> Result<Reencrypted> {
    let ring = app.vault.newest().await?;
    let mut unreadable = 0;
    let done = Reencrypted {
        signing_keys: each(app, &ring, &mut unreadable, identity::reseal_signing_keys).await?,
        second_factors: each(app, &ring, &mut unreadable, identity::reseal_second_factors).await?,
        idempotency_keys: each(app, &ring, &mut unreadable, idempotency::reseal).await?,
        jobs: each(app, &ring, &mut unreadable, mail::reseal).await?,
        unreadable,
    };
    let mut tx = app.database.begin(&Scope::vault()).await?;
    audit::record(&mut tx, Event::by_operator(Action::DataReencrypted).with(json!(done))).await?;
    tx.commit().await?;
    Ok(done)
}

/// One room's rows: how many were encrypted anew.
async fn each<K: Default>(
    app: &AppState,
    ring: &Ring,
    unreadable: &mut u64,
    reseal: impl AsyncFn(&mut PgConnection, &Ring, K) -> anyhow::Result<Batch<K>>,
) -> Result<u64> {
    let (mut after, mut done, mut told) = (K::default(), 0, 0);
    loop {
        let mut tx = app.database.begin(&Scope::vault()).await?;
        let batch = reseal(&mut tx, ring, after).await?;
        tx.commit().await?;
        done += batch.keys.len() as u64;
        *unreadable += batch.unreadable;
        if done >= told + 10_000 {
            told = done;
            tracing::info!(values = done, "encrypted anew so far");
        }
        match batch.last {
            Some(last) => after = last,
            None => return Ok(done),
        }
    }
}
