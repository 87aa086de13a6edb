//! What verifying an access token needs, in memory: signing keys, and sessions that ended while their tokens live.
//!
//! Why no query per request: an access token lives five minutes, and few sessions end within any five minutes, so
//! the list is short. It is read again when it is a second old, by one request for all (two indexed queries), and
//! at once when this process ended a session. So a session that ended at another core is refused here at most a
//! second later. When it cannot be read for [`STALE`], requests are answered 503: nothing is let through on old news.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::keys::{self, SigningKey};
use crate::app::AppState;
use crate::config::IdentityConfig;
use crate::database::Scope;
use crate::problem::Result;

/// News older than this is renewed.
const FRESH: Duration = Duration::from_secs(1);

/// News older than this is not used.
const STALE: Duration = Duration::from_secs(5);

/// The state of tokens at one moment.
pub struct Live {
    pub(super) keys: Vec<SigningKey>,
    revoked: HashMap<Uuid, i64>,
}

/// A session that ended while its access tokens may still live.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Revoked {
    /// The session.
    pub session: Uuid,
    /// When its last token is dead, in Unix seconds.
    pub until: i64,
}

impl Live {
    /// The public keys, as a JWK set (RFC 7517 section 5).
    pub fn jwks(&self) -> Value {
        json!({ "keys": self.keys.iter().map(|key| &key.jwk).collect::<Vec<_>>() })
    }

    /// Names of the algorithms that these keys sign with.
    pub fn algorithms(&self) -> Vec<String> {
        let mut names: Vec<_> = self.keys.iter().map(|key| format!("{:?}", key.algorithm)).collect();
        names.sort();
        names.dedup();
        names
    }

    /// The ended sessions, in order.
    pub fn revoked(&self) -> Vec<Revoked> {
        let revoked = self.revoked.iter();
        let mut list: Vec<_> = revoked.map(|(&session, &until)| Revoked { session, until }).collect();
        list.sort();
        list
    }

    pub(super) fn is_revoked(&self, session: Uuid) -> bool {
        self.revoked.contains_key(&session)
    }

    pub(super) fn current(&self) -> Option<&SigningKey> {
        self.keys.iter().find(|key| key.signing.is_some())
    }

    fn same_as(&self, other: &Self) -> bool {
        let keys =
            |live: &Self| -> Vec<_> { live.keys.iter().map(|key| (key.kid.clone(), key.state.clone())).collect() };
        self.revoked == other.revoked && keys(self) == keys(other)
    }
}

/// Holds the newest [`Live`].
#[derive(Default)]
pub(super) struct LiveCell {
    held: RwLock<Option<Held>>,
    /// Counts what this process changed: news read before the last change is not fresh.
    changes: AtomicU64,
    renewing: tokio::sync::Mutex<()>,
}

#[derive(Clone)]
struct Held {
    live: Arc<Live>,
    read: Instant,
    changes: u64,
}

impl LiveCell {
    fn held(&self) -> Option<Held> {
        self.held.read().ok().and_then(|held| held.clone())
    }

    fn fresh(&self) -> Option<Arc<Live>> {
        let held = self.held()?;
        let current = held.changes == self.changes.load(Ordering::Acquire);
        (current && held.read.elapsed() < FRESH).then_some(held.live)
    }

    /// Says that a session ended or a key changed here.
    pub(super) fn changed(&self) {
        self.changes.fetch_add(1, Ordering::AcqRel);
    }
}

impl super::Identity {
    /// The state of tokens, at most a second old. While nothing changes, it is the same `Arc`.
    pub async fn live(&self, app: &AppState) -> Result<Arc<Live>> {
        if let Some(live) = self.live.fresh() {
            return Ok(live);
        }
        let _one = self.live.renewing.lock().await;
        if let Some(live) = self.live.fresh() {
            return Ok(live);
        }
        let (read, changes) = (Instant::now(), self.live.changes.load(Ordering::Acquire));
        let before = self.live.held();
        let live = match load(app).await {
            Ok(live) => live,
            Err(problem) => {
                // A hiccup of the database stops nobody whose token was good a moment ago.
                let usable = |held: &Held| held.changes == changes && held.read.elapsed() < STALE;
                return before.filter(usable).map(|held| held.live).ok_or(problem);
            }
        };
        let live = match before {
            Some(before) if before.live.same_as(&live) => before.live,
            _ => Arc::new(live),
        };
        if let Ok(mut held) = self.live.held.write() {
            *held = Some(Held { live: live.clone(), read, changes });
        }
        Ok(live)
    }

    /// Says that another core may have ended a session or changed a key.
    pub fn look_again(&self) {
        self.live.changed();
    }

    /// Says that a session ended or a key changed, so that the next request here sees it.
    pub(crate) fn changed(&self) {
        self.live.changed();
    }
}

/// How long tokens may outlive the end of their session or key.
pub(super) fn longest_life(config: &IdentityConfig) -> Duration {
    config.access_token_life + config.leeway
}

async fn load(app: &AppState) -> Result<Live> {
    let config = &app.config.identity;
    // Beside the pool: whoever signs in asks for it in the middle of a transaction.
    let mut tx = app.database.begin_aside(&Scope::identity()).await?;
    let mut rows = keys::load(&mut tx).await?;
    let good = |state| move |row: &keys::Row| row.state == state && row.algorithm == config.algorithm.name();
    if !(rows.iter().any(good("current")) && rows.iter().any(good("next"))) {
        // The vault needs the connection aside, too.
        tx.rollback().await?;
        let ring = app.vault.ring().await?;
        tx = app.database.begin_aside(&Scope::identity()).await?;
        keys::ensure(&mut tx, &ring, config.algorithm, longest_life(config)).await?;
        tx.commit().await?;
        tx = app.database.begin_aside(&Scope::identity()).await?;
        rows = keys::load(&mut tx).await?;
    }
    let life = longest_life(config).as_secs();
    let ended = sqlx::query!(
        r#"SELECT id AS "id!", extract(epoch FROM ended_at)::bigint AS "ended_at!" FROM sessions
           WHERE ended_at > now() - make_interval(secs => $1)
           UNION ALL
           SELECT id, extract(epoch FROM ended_at)::bigint FROM ended_sessions
           WHERE ended_at > now() - make_interval(secs => $1)"#,
        life as f64
    )
    .fetch_all(&mut *tx)
    .await?;
    tx.rollback().await?;
    let mut keys = Vec::new();
    for row in rows {
        keys.push(row.read(&app.vault, config).await?);
    }
    let until = |ended_at: i64| ended_at.saturating_add_unsigned(life + 1);
    Ok(Live { keys, revoked: ended.into_iter().map(|row| (row.id, until(row.ended_at))).collect() })
}
