//! What operators do with data keys.

use std::sync::Arc;
use std::time::Instant;

use super::data_keys::{self, DataKey};
use super::{Ring, Vault};
use crate::database::{Scope, Tx};
use crate::problem::{Problem, Result};

impl Vault {
    /// Every data key, and how much it is needed for.
    pub async fn data_keys(&self) -> Result<Vec<DataKey>> {
        let mut tx = self.database.begin_read(&Scope::vault()).await?;
        Ok(data_keys::told(&mut tx).await?)
    }

    /// The data keys as they are now.
    pub(crate) async fn newest(&self) -> Result<Arc<Ring>> {
        self.read_after(Some(Instant::now())).await
    }

    /// Replaces the data key that encrypts by a new one: its id, once the transaction is committed.
    pub(crate) async fn rotate(&self) -> Result<(Tx, i32)> {
        let old = self.newest().await?.current();
        let rotated = self.replace(Some(old)).await?;
        rotated.ok_or_else(|| Problem::overloaded("Another core replaced the data key at the same time."))
    }

    /// Forgets retired keys that nothing needs any more: their ids.
    pub(crate) async fn forget_unused(&self) -> Result<Vec<i32>> {
        let mut tx = self.database.begin(&Scope::vault()).await?;
        let forgotten = data_keys::forget_unused(&mut tx).await?;
        tx.commit().await?;
        Ok(forgotten)
    }

    /// Has every data key wrapped by the master key that is in use: their number, once the transaction is committed.
    pub(crate) async fn rewrap(&self) -> Result<(Tx, usize)> {
        let mut all = Vec::new();
        // First all that asks a master key: one that does not answer changes nothing.
        for row in self.rows().await? {
            let key = self.masters.unwrap(&row.wrapped).await;
            let key = key.map_err(|error| error.context(format!("data key {} cannot be unwrapped", row.id)))?;
            all.push((row.id, self.masters.wrap(&key).await?));
        }
        let mut tx = self.database.begin(&Scope::vault()).await?;
        for (id, wrapped) in &all {
            data_keys::rewrap(&mut tx, *id, wrapped).await?;
        }
        Ok((tx, all.len()))
    }
}
