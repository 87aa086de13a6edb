//! The data keys in memory.
//!
//! They are read again when something is to be encrypted and they are a minute old, and when something names a key that is
//! not among them. What is known goes on to decrypt when they cannot be read; it encrypts for [`STALE`], so that a key that
//! was retired long ago, and may be forgotten, encrypts nothing new.

use std::collections::BTreeMap;
use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant};

use super::Vault;
use super::data_keys::{self, Row};
use super::ring::{KEY_BYTES, Ring, Unreadable, key};
use super::{Wrapped, random};
use crate::database::{Scope, Tx};
use crate::problem::{Problem, Result};

/// Keys that were read longer ago are read again.
const FRESH: Duration = Duration::from_secs(60);

/// Keys that were read longer ago encrypt nothing. Much less than the hour for which a retired key is kept in any case.
const STALE: Duration = Duration::from_secs(600);

/// After a failure, nobody else tries for so long.
const PAUSE: Duration = Duration::from_secs(2);

/// Holds the newest [`Ring`].
#[derive(Default)]
pub(super) struct HeldKeys {
    held: RwLock<Option<Held>>,
    reading: tokio::sync::Mutex<Option<Instant>>,
}

#[derive(Clone)]
struct Held {
    ring: Arc<Ring>,
    read: Instant,
}

impl Vault {
    /// The data keys, to encrypt with. Reads them over the database's connection aside, so nobody who holds that may ask.
    pub async fn ring(&self) -> Result<Arc<Ring>> {
        let held = self.held();
        if let Some(held) = held.as_ref().filter(|held| held.read.elapsed() < FRESH) {
            return Ok(held.ring.clone());
        }
        match self.read_after(held.as_ref().map(|held| held.read)).await {
            Ok(ring) => Ok(ring),
            Err(problem) => held.filter(|held| held.read.elapsed() < STALE).map(|held| held.ring).ok_or(problem),
        }
    }

    /// Encrypts `plain`: see [`Ring::seal`].
    pub async fn seal(&self, about: &[u8], plain: &[u8]) -> Result<Vec<u8>> {
        self.ring().await?.seal(about, plain).map_err(Problem::internal)
    }

    /// Decrypts what any core sealed.
    pub async fn open(&self, about: &[u8], sealed: &[u8]) -> Result<Vec<u8>> {
        let held = match self.held() {
            Some(held) => held,
            None => Held { ring: self.read_after(None).await?, read: Instant::now() },
        };
        let opened = match held.ring.open(about, sealed) {
            Err(Unreadable::UnknownKey(_)) => self.read_after(Some(held.read)).await?.open(about, sealed),
            opened => opened,
        };
        opened.map_err(Problem::internal)
    }

    /// Whether data keys are known, or can be.
    pub async fn ready(&self) -> Result<()> {
        match self.held() {
            Some(_) => Ok(()),
            None => self.read_after(None).await.map(drop),
        }
    }

    fn held(&self) -> Option<Held> {
        self.keys.held.read().ok().and_then(|held| held.clone())
    }

    /// The keys as they were read after `before`, by one for all.
    pub(super) async fn read_after(&self, before: Option<Instant>) -> Result<Arc<Ring>> {
        let mut failed = self.keys.reading.lock().await;
        if let Some(held) = self.held().filter(|held| before.is_none_or(|before| held.read > before)) {
            return Ok(held.ring);
        }
        if failed.is_some_and(|failed| failed.elapsed() < PAUSE) {
            return Err(Problem::overloaded("The keys that encrypt cannot be read. Please try again."));
        }
        let read = Instant::now();
        match self.read().await {
            Ok(ring) => {
                let ring = Arc::new(ring);
                if let Ok(mut held) = self.keys.held.write() {
                    *held = Some(Held { ring: ring.clone(), read });
                }
                *failed = None;
                Ok(ring)
            }
            Err(problem) => {
                *failed = Some(Instant::now());
                Err(problem)
            }
        }
    }

    async fn read(&self) -> Result<Ring> {
        let known = self.held().map(|held| held.ring);
        loop {
            let rows = self.rows().await?;
            let Some(current) = rows.iter().find(|row| row.current).map(|row| row.id) else {
                if let Some((tx, _)) = self.replace(None).await? {
                    tx.commit().await?;
                }
                continue;
            };
            let mut keys = BTreeMap::new();
            for row in rows {
                // A data key never changes, so that its master key is asked for it once.
                let key = match known.as_ref().and_then(|ring| ring.key(row.id)) {
                    Some(key) => Ok(key.clone()),
                    None => self.masters.unwrap(&row.wrapped).await.and_then(|bytes| key(&bytes)),
                };
                match key {
                    Ok(key) => drop(keys.insert(row.id, key)),
                    Err(error) if row.current => return Err(unusable(row.id, &error)),
                    // What it encrypted stays shut; everything else goes on.
                    Err(error) => drop(unusable(row.id, &error)),
                }
            }
            let before = key(&self.derive_before()).map_err(Problem::internal)?;
            return Ring::new(keys, current, before).ok_or_else(|| Problem::internal("no current data key"));
        }
    }

    pub(super) async fn rows(&self) -> Result<Vec<Row>> {
        let mut tx = self.database.begin_aside(&Scope::vault()).await?;
        Ok(data_keys::all(&mut tx).await?)
    }

    /// Makes a new key in the place of `old`: its id, once the transaction is committed, unless another core was faster.
    pub(super) async fn replace(&self, old: Option<i32>) -> Result<Option<(Tx, i32)>> {
        let wrapped = self.new_key().await?;
        let mut tx = self.database.begin_aside(&Scope::vault()).await?;
        let id = data_keys::replace(&mut tx, old, &wrapped).await?;
        if let Some(id) = id {
            tracing::info!(id, master = wrapped.master, "data key made");
        }
        Ok(id.map(|id| (tx, id)))
    }

    async fn new_key(&self) -> Result<Wrapped> {
        let bytes: [u8; KEY_BYTES] = random().map_err(Problem::internal)?;
        self.masters.wrap(&bytes).await.map_err(|error| {
            tracing::error!(error = %format!("{error:#}"), "no data key can be made");
            Problem::overloaded("The keys that encrypt cannot be made. Please try again.")
        })
    }
}

fn unusable(id: i32, error: &anyhow::Error) -> Problem {
    tracing::error!(id, error = %format!("{error:#}"), "a data key cannot be used");
    Problem::overloaded("The keys that encrypt cannot be read. Please try again.")
}
