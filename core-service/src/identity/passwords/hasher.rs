//! Argon2id, never on the async threads, never more at once than the machine can bear.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::{OnceCell, OwnedSemaphorePermit, Semaphore};
use unicode_normalization::UnicodeNormalization;

use crate::config::IdentityConfig;
use crate::problem::{Problem, Result};

/// One lane: requests run beside each other, not within each other.
const LANES: u32 = 1;

/// Hashes and verifies.
pub(in crate::identity) struct Hasher {
    argon2: Argon2<'static>,
    permits: Arc<Semaphore>,
    threads: usize,
    waiting: AtomicUsize,
    most_waiting: usize,
    /// A hash that no password fits, for addresses that nobody has.
    nobody: OnceCell<String>,
}

/// How a password fits a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::identity) enum Fit {
    No,
    Yes,
    /// Yes, and the hash was made with other parameters than those of today.
    Outdated,
}

impl Hasher {
    pub(in crate::identity) fn new(config: &IdentityConfig) -> anyhow::Result<Self> {
        let params = Params::new(config.hashing_memory_kib, config.hashing_passes, LANES, None)
            .map_err(|error| anyhow::anyhow!("argon2 refuses its parameters: {error}"))?;
        Ok(Self {
            argon2: Argon2::new(Algorithm::Argon2id, Version::V0x13, params),
            permits: Arc::new(Semaphore::new(config.hashing_threads)),
            threads: config.hashing_threads,
            waiting: AtomicUsize::new(0),
            most_waiting: config.hashing_queue,
            nobody: OnceCell::new(),
        })
    }

    /// The PHC string of `password` with a new salt.
    pub(in crate::identity) async fn hash(&self, password: &str) -> Result<String> {
        let (argon2, password) = (self.argon2.clone(), normalised(password).into_owned());
        self.work(move || {
            let hash = argon2.hash_password(password.as_bytes());
            hash.map(|hash| hash.to_string()).map_err(Problem::internal)
        })
        .await
    }

    /// Whether `password` fits `hash`. Without a hash it works as long and says no, so that the time it takes does
    /// not tell whether an address is known.
    pub(in crate::identity) async fn verify(&self, password: &str, hash: Option<String>) -> Result<Fit> {
        let known = hash.is_some();
        let hash = match hash {
            Some(hash) => hash,
            None => self.nobody().await?,
        };
        let (argon2, password) = (self.argon2.clone(), normalised(password).into_owned());
        self.work(move || {
            let hash = PasswordHash::new(&hash).map_err(Problem::internal)?;
            let fits = argon2.verify_password(password.as_bytes(), &hash).is_ok();
            Ok(match (known && fits, is_of(&hash, argon2.params())) {
                (false, _) => Fit::No,
                (true, true) => Fit::Yes,
                (true, false) => Fit::Outdated,
            })
        })
        .await
    }

    /// How many passwords are hashed now, and how many wait for it.
    pub(in crate::identity) fn load(&self) -> (usize, usize) {
        let running = self.threads.saturating_sub(self.permits.available_permits());
        (running, self.waiting.load(Ordering::Relaxed))
    }

    async fn nobody(&self) -> Result<String> {
        let hash = self.nobody.get_or_try_init(|| self.hash(""));
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

/// What hashing passwords takes with these settings, with as many at once as they allow and nothing beside it: the median
/// time of one, and how many a second.
pub async fn hashing_time(config: &IdentityConfig) -> anyhow::Result<(Duration, f64)> {
    const EACH: usize = 25;
    let hasher = Arc::new(Hasher::new(config)?);
    let begun = Instant::now();
    let workers: Vec<_> = (0..config.hashing_threads)
        .map(|_| {
            let hasher = hasher.clone();
            tokio::spawn(async move {
                let mut times = Vec::new();
                for _ in 0..EACH {
                    let begun = Instant::now();
                    hasher.hash("a password that is hashed").await?;
                    times.push(begun.elapsed());
                }
                Ok::<_, Problem>(times)
            })
        })
        .collect();
    let mut times = Vec::new();
    for worker in workers {
        times.extend(worker.await??);
    }
    let per_second = times.len() as f64 / begun.elapsed().as_secs_f64();
    times.sort();
    Ok((times[times.len() / 2], per_second))
}

/// The same characters in another form of Unicode are the same password (NIST SP 800-63B-4 section 3.1.1.2).
fn normalised(password: &str) -> Cow<'_, str> {
    if password.is_ascii() { Cow::Borrowed(password) } else { Cow::Owned(password.nfkc().collect()) }
}

/// Whether a hash was made with these parameters.
fn is_of(hash: &PasswordHash, params: &Params) -> bool {
    let costs = |params: &Params| (params.m_cost(), params.t_cost(), params.p_cost());
    let made = Params::try_from(hash).ok();
    hash.algorithm == Algorithm::Argon2id.ident() && made.is_some_and(|made| costs(&made) == costs(params))
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

    fn hasher(memory: &str, queue: &str) -> Hasher {
        let settings = [("THREADS", "1"), ("QUEUE", queue), ("MEMORY_KIB", memory)];
        let settings = settings.map(|(key, value)| (format!("BREAKWATER_IDENTITY__HASHING_{key}"), value.to_owned()));
        Hasher::new(&crate::config::Config::load_with(None, settings).unwrap().identity).unwrap()
    }

    #[tokio::test]
    async fn a_password_fits_its_own_hash_only() {
        let hasher = hasher("19456", "8");
        let hash = hasher.hash("correct horse").await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert_eq!(hasher.verify("correct horse", Some(hash.clone())).await.unwrap(), Fit::Yes);
        assert_eq!(hasher.verify("battery", Some(hash)).await.unwrap(), Fit::No);
        assert_eq!(hasher.verify("", None).await.unwrap(), Fit::No);
    }

    /// The reference implementation's own test: password `password`, salt `somesalt` (m=256, t=2, p=1).
    #[tokio::test]
    async fn known_answers() {
        let reference = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
        let fit =
            |password: &'static str| async move { hasher("19456", "8").verify(password, Some(reference.into())).await };
        assert_eq!(fit("password").await.unwrap(), Fit::Outdated);
        assert_eq!(fit("passworD").await.unwrap(), Fit::No);
    }

    #[tokio::test]
    async fn the_form_of_unicode_does_not_matter() {
        let hasher = hasher("64", "8");
        let hash = hasher.hash("cafe\u{301} \u{ff21}bc").await.unwrap();
        assert_eq!(hasher.verify("caf\u{e9} Abc", Some(hash.clone())).await.unwrap(), Fit::Yes);
        assert_eq!(hasher.verify("cafe Abc", Some(hash)).await.unwrap(), Fit::No);
    }

    #[tokio::test]
    async fn other_parameters_are_told() {
        let weak = hasher("64", "8").hash("correct horse").await.unwrap();
        let hasher = hasher("128", "8");
        assert_eq!(hasher.verify("correct horse", Some(weak.clone())).await.unwrap(), Fit::Outdated);
        assert_eq!(hasher.verify("wrong", Some(weak)).await.unwrap(), Fit::No);
    }

    #[tokio::test]
    async fn beyond_the_queue_it_is_overloaded_and_then_recovers() {
        let hasher = hasher("19456", "1");
        let three = tokio::join!(hasher.hash("a"), hasher.hash("b"), hasher.hash("c"));
        let refused = three.2.unwrap_err();
        assert_eq!(refused.kind().slug, "overloaded");
        assert!(three.0.is_ok() && three.1.is_ok());
        assert!(hasher.hash("d").await.is_ok());
    }
}
