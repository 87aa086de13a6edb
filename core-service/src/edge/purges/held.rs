//! The purges that edges are told, in memory: read again when a second has passed, or when somebody told of one.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::app::AppState;
use crate::database::Scope;
use crate::problem::Result;

/// What is older is read again.
const FRESH: Duration = Duration::from_secs(1);

/// The purges at one moment.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::edge) struct Purges(Vec<Row>);

#[derive(Debug, PartialEq, Eq)]
struct Row {
    number: i64,
    url: Option<String>,
    tag: Option<String>,
    soft: bool,
}

/// Holds the newest.
#[derive(Default)]
pub(in crate::edge) struct Held {
    held: RwLock<Option<(Arc<Purges>, Instant, u64)>>,
    /// Counts what was told: what was read before the last of it is not fresh.
    told: AtomicU64,
    reading: tokio::sync::Mutex<()>,
}

impl Held {
    /// There may be another.
    pub(in crate::edge) fn look_again(&self) {
        self.told.fetch_add(1, Ordering::AcqRel);
    }

    fn last(&self) -> Option<(Arc<Purges>, Instant, u64)> {
        self.held.read().ok().and_then(|held| held.clone())
    }

    fn fresh(&self) -> Option<Arc<Purges>> {
        let (purges, read, told) = self.last()?;
        (told == self.told.load(Ordering::Acquire) && read.elapsed() < FRESH).then_some(purges)
    }

    /// The purges, at most a second old. While there are no others, it is the same `Arc`.
    pub(in crate::edge) async fn current(&self, app: &AppState) -> Result<Arc<Purges>> {
        if let Some(purges) = self.fresh() {
            return Ok(purges);
        }
        let _one = self.reading.lock().await;
        if let Some(purges) = self.fresh() {
            return Ok(purges);
        }
        let (read, told) = (Instant::now(), self.told.load(Ordering::Acquire));
        let mut tx = app.database.begin_read(&Scope::upkeep()).await?;
        let rows = sqlx::query_as!(Row, "SELECT number, url, tag, soft FROM edge_purges ORDER BY number");
        let mut purges = Arc::new(Purges(rows.fetch_all(&mut *tx).await?));
        if let Some((before, ..)) = self.last().filter(|(before, ..)| *before == purges) {
            purges = before;
        }
        if let Ok(mut held) = self.held.write() {
            *held = Some((purges.clone(), read, told));
        }
        Ok(purges)
    }
}

impl Purges {
    /// Adds them to the section `caching`.
    pub(in crate::edge) fn fill(&self, section: &mut Value) {
        let everything = |row: &&Row| row.url.is_none() && row.tag.is_none();
        section["epoch"] = json!(self.0.last().map_or(0, |row| row.number));
        section["everything_before"] = json!(self.0.iter().rfind(everything).map_or(0, |row| row.number));
        let named = self.0.iter().filter_map(|row| match (&row.url, &row.tag) {
            (Some(url), _) => Some(json!({ "number": row.number, "url": url, "soft": row.soft })),
            (None, Some(tag)) => Some(json!({ "number": row.number, "tag": tag, "soft": row.soft })),
            (None, None) => None,
        });
        section["purges"] = named.collect();
    }
}
