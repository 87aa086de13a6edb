//! What makes a request for the snapshot worth answering now.
//!
//! An edge asks for a snapshot other than the one that it has, and lets the core hold the request. The core answers when
//! PostgreSQL tells of a change (`LISTEN`, whichever core made it), when keys of an issuer were fetched, when the
//! service stops, and otherwise when the time is over. Behind that it looks by itself every second: what was told while
//! nobody listened is only late.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout_at};

use crate::app::AppState;

/// What the triggers of `migrations/0040_edge_news.sql` and of the purges notify.
const CHANNEL: &str = "breakwater_edge";

/// After a failure to listen.
const PAUSE: Duration = Duration::from_secs(1);

/// How often a waiting request is looked at in any case.
const LOOK: Duration = Duration::from_secs(1);

/// Tells those who wait.
pub(super) struct News(watch::Sender<Going>);

/// Whether there is a point in waiting.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Going {
    On,
    Down,
}

/// Somebody who waits.
pub(super) struct Waiting(watch::Receiver<Going>);

impl Default for News {
    fn default() -> Self {
        Self(watch::channel(Going::On).0)
    }
}

impl News {
    /// Something may have changed.
    pub(super) fn tell(&self) {
        self.0.send_modify(|_| {});
    }

    /// Nobody is to wait any more.
    pub(super) fn stop(&self) {
        self.0.send_replace(Going::Down);
    }

    pub(super) fn wait(&self) -> Waiting {
        Waiting(self.0.subscribe())
    }
}

impl Waiting {
    /// Returns when it is time to look again; false when waiting is over.
    pub(super) async fn until(&mut self, deadline: Instant) -> bool {
        let look = deadline.min(Instant::now() + LOOK);
        // If the sender is gone, so is the service.
        let told = timeout_at(look, self.0.changed()).await;
        !matches!(told, Ok(Err(_))) && *self.0.borrow() == Going::On && Instant::now() < deadline
    }
}

impl Waiting {
    /// Returns when somebody told something, and never when nobody can any more.
    pub(super) async fn told(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending().await
        }
    }
}

/// Listens for as long as it is polled.
pub async fn listen(app: AppState) {
    loop {
        if let Err(error) = follow(&app).await {
            tracing::warn!(%error, "cannot listen for news; edges hear of changes up to a second later");
        }
        sleep(PAUSE).await;
    }
}

async fn follow(app: &AppState) -> Result<(), sqlx::Error> {
    let mut listener = app.database.listen(CHANNEL).await?;
    loop {
        // What was said before this, or while the connection was lost, is unknown: both are looked up like news.
        app.identity.look_again();
        app.edge.purges.look_again();
        app.edge.news.tell();
        listener.try_recv().await?;
    }
}
