//! Wakes whoever waits for jobs or events when there are some.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::database::Database;

/// What the trigger on `jobs` notifies.
pub(super) const JOBS: &str = "breakwater_jobs";

/// Listens until it is dropped. Without PostgreSQL it tries again: meanwhile the worker looks by itself.
pub(super) struct Wake {
    called: Arc<Notify>,
    listening: JoinHandle<()>,
}

impl Wake {
    pub(super) fn listen(database: Database, channel: &'static str) -> Self {
        let called = Arc::new(Notify::new());
        let listening = tokio::spawn(listen(database, channel, called.clone()));
        Self { called, listening }
    }

    /// Done when there may be something to do.
    pub(super) async fn called(&self) {
        self.called.notified().await;
    }
}

impl Drop for Wake {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn listen(database: Database, channel: &str, called: Arc<Notify>) {
    loop {
        if let Ok(mut listener) = database.listen(channel).await {
            // What was committed before we listened, or (`None`) while the connection was lost.
            called.notify_one();
            while listener.try_recv().await.is_ok() {
                called.notify_one();
            }
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
