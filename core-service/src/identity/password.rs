//! Passwords: argon2id with OWASP's parameters, never on the async threads, never more at once than the machine
//! can bear.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::{OnceCell, OwnedSemaphorePermit, Semaphore};

use crate::problem::{Problem, Result};

/// OWASP Password Storage Cheat Sheet: argon2id with 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Hashes and verifies.
pub struct Hasher {
    argon2: Argon2<'static>,
    permits: Arc<Semaphore>,
    waiting: AtomicUsize,
    most_waiting: usize,
    /// A hash that no password fits, for addresses that nobody has.
    nobody: OnceCell<String>,
}

impl Hasher {
    /// A hasher of `threads` at once and `queue` waiting.
    pub fn new(threads: usize, queue: usize) -> anyhow::Result<Self> {
        let params = Params::new(MEMORY_KIB, PASSES, LANES, None)
            .map_err(|error| anyhow::anyhow!("argon2 refuses its parameters: {error}"))?;
        Ok(Self {
            argon2: Argon2::new(Algorithm::Argon2id, Version::V0x13, params),
            permits: Arc::new(Semaphore::new(threads)),
            waiting: AtomicUsize::new(0),
            most_waiting: queue,
            nobody: OnceCell::new(),
        })
    }

    /// The PHC string of `password` with a new salt.
    pub async fn hash(&self, password: String) -> Result<String> {
        let argon2 = self.argon2.clone();
        self.work(move || {
            let hash = argon2.hash_password(password.as_bytes());
            hash.map(|hash| hash.to_string()).map_err(Problem::internal)
        })
        .await
    }

    /// Whether `password` fits `hash`. Without a hash it works as long and says no, so that the time it takes does
    /// not tell whether an address is known.
    pub async fn verify(&self, password: String, hash: Option<String>) -> Result<bool> {
        let known = hash.is_some();
        let hash = match hash {
            Some(hash) => hash,
            None => self.nobody().await?,
        };
        let argon2 = self.argon2.clone();
        let fits = self
            .work(move || {
                let hash = PasswordHash::new(&hash).map_err(Problem::internal)?;
                Ok(argon2.verify_password(password.as_bytes(), &hash).is_ok())
            })
            .await?;
        Ok(known && fits)
    }

    async fn nobody(&self) -> Result<String> {
        let hash = self.nobody.get_or_try_init(|| self.hash(String::new()));
        hash.await.cloned()
    }

    async fn work<T: Send + 'static>(&self, work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
        let permit = self.permit().await?;
        let span = tracing::Span::current();
        let done = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            span.in_scope(work)
        });
        done.await.map_err(Problem::internal)?
    }

    async fn permit(&self) -> Result<OwnedSemaphorePermit> {
        if let Ok(permit) = self.permits.clone().try_acquire_owned() {
            return Ok(permit);
        }
        let _place = Place::take(&self.waiting, self.most_waiting)
            .ok_or_else(|| Problem::overloaded("Too many sign-ins at once. Please try again."))?;
        self.permits.clone().acquire_owned().await.map_err(Problem::internal)
    }
}

/// A place in the queue, given back also when the client goes away.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(waiting: &'a AtomicUsize, most: usize) -> Option<Self> {
        let place = Self(waiting);
        let before = waiting.fetch_add(1, Ordering::AcqRel);
        (before < most).then_some(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[tokio::test]
    async fn a_password_fits_its_own_hash_only() {
        let hasher = Hasher::new(1, 8).unwrap();
        let hash = hasher.hash("correct horse".into()).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(hasher.verify("correct horse".into(), Some(hash.clone())).await.unwrap());
        assert!(!hasher.verify("battery".into(), Some(hash)).await.unwrap());
        assert!(!hasher.verify(String::new(), None).await.unwrap());
    }

    #[tokio::test]
    async fn beyond_the_queue_it_is_overloaded_and_then_recovers() {
        let hasher = Hasher::new(1, 1).unwrap();
        let three = tokio::join!(hasher.hash("a".into()), hasher.hash("b".into()), hasher.hash("c".into()));
        let refused = three.2.unwrap_err();
        assert_eq!(refused.kind().slug, "overloaded");
        assert!(three.0.is_ok() && three.1.is_ok());
        assert!(hasher.hash("d".into()).await.is_ok());
    }
}
