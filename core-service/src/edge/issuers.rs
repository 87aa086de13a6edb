//! Issuers besides ourselves, whose keys the edges need: fetched here, so that edges need not reach anybody for them.
//!
//! Every core follows every issuer, and what one fetched all publish, by way of the database. Keys are fetched again
//! before they are too old; an issuer that is away or talks nonsense is tried again, and its keys stay. When an edge
//! meets a token with a key that is not there, they are fetched at once, but not more often than every ten seconds.

use std::sync::RwLock;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

use super::gateway::Issuer;
use super::jwks;
use crate::app::AppState;
use crate::database::Scope;

/// After a fetch, how long an edge's wish for new keys has to wait.
const GAP: Duration = Duration::from_secs(10);

/// The first pause after a failure, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// The issuers whose keys are fetched.
pub(super) struct Issuers(Vec<Followed>);

struct Followed {
    issuer: Issuer,
    uri: String,
    keys: RwLock<Value>,
    /// An edge has met a token whose key is not among them.
    wanted: Notify,
}

impl Issuers {
    /// Those of `issuers` whose keys are fetched. Who was followed `before` keeps the keys that are known.
    pub(super) fn new(issuers: &[Issuer], before: Option<&Self>) -> Self {
        let followed = issuers.iter().filter_map(|issuer| {
            let uri = issuer.jwks_uri.clone()?;
            let same = |other: &&Followed| other.issuer.issuer == issuer.issuer && other.uri == uri;
            let known = before.and_then(|before| before.0.iter().find(same)).map(Followed::keys);
            let (keys, wanted) = (RwLock::new(known.unwrap_or_else(|| json!({ "keys": [] }))), Notify::new());
            Some(Followed { issuer: issuer.clone(), uri, keys, wanted })
        });
        Self(followed.collect())
    }

    /// An edge misses a key of this issuer.
    pub(super) fn missing(&self, issuer: &str) {
        if let Some(followed) = self.0.iter().find(|followed| followed.issuer.issuer == issuer) {
            followed.wanted.notify_one();
        }
    }

    /// For the snapshot.
    pub(super) fn published(&self) -> Vec<Value> {
        let published = self.0.iter().map(|followed| followed.issuer.published(followed.keys()));
        published.collect()
    }
}

impl Followed {
    fn keys(&self) -> Value {
        self.keys.read().map(|keys| keys.clone()).unwrap_or_default()
    }

    /// Whether they are other keys than before.
    fn adopt(&self, new: Value) -> bool {
        let Ok(mut keys) = self.keys.write() else { return false };
        let changed = *keys != new;
        *keys = new;
        changed
    }
}

/// Follows all issuers for as long as it is polled, whichever the gateway file declares.
pub async fn follow(app: AppState) -> anyhow::Result<()> {
    let mut changes = app.edge.declared.subscribe();
    loop {
        let declared = changes.borrow_and_update().clone();
        let following = async {
            if !declared.issuers.0.is_empty() {
                let client = jwks::client()?;
                join_all(declared.issuers.0.iter().map(|issuer| issuer.follow(&app, &client))).await;
            }
            std::future::pending::<anyhow::Result<()>>().await
        };
        tokio::select! {
            failed = following => return failed,
            changed = changes.changed() => changed?,
        }
    }
}

impl Followed {
    async fn follow(&self, app: &AppState, client: &reqwest::Client) {
        let mut news = app.edge.news.wait();
        let (mut pause, mut said) = (PAUSES.0, String::new());
        let mut wanted = false;
        // Long ago: keys that an edge wants at the start are fetched at the start.
        let mut tried: Option<Instant> = None;
        loop {
            let asked = match self.stored(app).await {
                Ok(due) => match due.filter(|_| !wanted) {
                    Some(due) if !due.is_zero() => Ok(due),
                    _ => {
                        tried = Some(Instant::now());
                        self.fetch(app, client).await
                    }
                },
                Err(error) => Err(error),
            };
            wanted = false;
            let next = match asked {
                Ok(due) => {
                    (pause, said) = (PAUSES.0, String::new());
                    due
                }
                Err(error) => {
                    // Once per cause.
                    let error = format!("{error:#}");
                    if error != said {
                        tracing::warn!(issuer = self.issuer.issuer, error, "the issuer's keys cannot be renewed");
                        said = error;
                    }
                    let now = pause;
                    pause = (pause * 2).min(PAUSES.1);
                    now
                }
            };
            let next = Instant::now() + next;
            tokio::select! {
                () = sleep(next.saturating_duration_since(Instant::now())) => {}
                () = self.wanted.notified() => {
                    if let Some(tried) = tried {
                        sleep((tried + GAP).saturating_duration_since(Instant::now())).await;
                    }
                    wanted = true;
                }
                // Another core may have fetched them.
                () = news.told() => {}
            }
        }
    }

    /// Takes what some core has stored, and says how long it is good; none if there is nothing.
    async fn stored(&self, app: &AppState) -> anyhow::Result<Option<Duration>> {
        let mut tx = app.database.begin_read(&Scope::upkeep()).await?;
        let row = sqlx::query!(
            r#"SELECT jwks, extract(epoch FROM due_at - now())::float8 AS "due!" FROM issuer_keys WHERE issuer = $1"#,
            self.issuer.issuer
        )
        .fetch_optional(&mut *tx)
        .await?;
        let Some(row) = row else { return Ok(None) };
        if self.adopt(row.jwks) {
            app.edge.news.tell();
        }
        Ok(Some(Duration::from_secs_f64(row.due.max(0.0))))
    }

    async fn fetch(&self, app: &AppState, client: &reqwest::Client) -> anyhow::Result<Duration> {
        let (keys, seconds) = jwks::fetch(client, &self.uri).await?;
        let mut tx = app.database.begin(&Scope::upkeep()).await?;
        sqlx::query!(
            "INSERT INTO issuer_keys (issuer, jwks, due_at) VALUES ($1, $2, now() + make_interval(secs => $3))
             ON CONFLICT (issuer) DO UPDATE SET jwks = excluded.jwks, due_at = excluded.due_at, fetched_at = now()",
            self.issuer.issuer,
            keys,
            seconds as f64
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        if self.adopt(keys) {
            tracing::info!(issuer = self.issuer.issuer, "the issuer has other keys");
            app.edge.news.tell();
        }
        Ok(Duration::from_secs(seconds))
    }
}
