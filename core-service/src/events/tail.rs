//! The end of the log, for those of this process who wait for more: woken only by what happens in their workspace.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use uuid::Uuid;

use super::log::CHANNEL;
use super::wake::Wake;
use crate::app::AppState;
use crate::database::Scope;
use crate::problem::Result;

/// Who waits, by workspaces.
#[derive(Default)]
pub struct Tail(Mutex<HashMap<Uuid, watch::Sender<()>>>);

/// Somebody who waits.
pub(super) struct Waiting(watch::Receiver<()>);

impl Tail {
    /// Waits for what happens in a workspace from now on.
    pub(super) fn wait(&self, workspace: Uuid) -> Waiting {
        Waiting(self.held().entry(workspace).or_insert_with(|| watch::channel(()).0).subscribe())
    }

    fn tell(&self, workspaces: &[Uuid]) {
        let waiting = self.held();
        for sender in workspaces.iter().filter_map(|workspace| waiting.get(workspace)) {
            sender.send_replace(());
        }
    }

    fn tell_all(&self) {
        self.held().values().for_each(|sender| sender.send_replace(()));
    }

    /// Forgets workspaces for which nobody waits any more.
    fn tidy(&self) {
        self.held().retain(|_, sender| sender.receiver_count() > 0);
    }

    /// Lets all who wait go, because the service stops.
    pub fn stop(&self) {
        self.held().clear();
    }

    /// How many workspaces are waited for.
    #[cfg(test)]
    fn len(&self) -> usize {
        self.held().len()
    }

    /// Whoever panicked with the lock has left nothing half done.
    fn held(&self) -> MutexGuard<'_, HashMap<Uuid, watch::Sender<()>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    /// Done when there is more; false when there will be none.
    pub(super) async fn more(&mut self) -> bool {
        self.0.changed().await.is_ok()
    }
}

/// Follows the log for as long as it is polled.
pub async fn follow(app: AppState) {
    let wake = Wake::listen(app.database.clone(), CHANNEL);
    let mut seen = None;
    loop {
        match news(&app, seen).await {
            Ok((last, workspaces)) => {
                match seen.replace(last) {
                    Some(_) => app.tail.tell(&workspaces),
                    // What was numbered before the first look, nobody was told of.
                    None => app.tail.tell_all(),
                }
                app.tail.tidy();
            }
            Err(problem) => {
                tracing::warn!(reason = problem.kind().title, "the log cannot be followed; the next look tries again")
            }
        }
        tokio::select! {
            () = wake.called() => {}
            () = tokio::time::sleep(app.config.events.poll) => {}
        }
    }
}

/// The last number, and the workspaces in which something happened behind `seen`.
async fn news(app: &AppState, seen: Option<i64>) -> Result<(i64, Vec<Uuid>)> {
    let mut tx = app.database.begin_read(&Scope::worker()).await?;
    let last = sqlx::query_scalar!(r#"SELECT coalesce(max(number), 0) AS "last!" FROM events"#);
    let last = last.fetch_one(&mut *tx).await?;
    let seen = seen.unwrap_or(last);
    let workspaces =
        sqlx::query_scalar!("SELECT DISTINCT workspace_id FROM events WHERE number > $1 AND number <= $2", seen, last);
    Ok((last, workspaces.fetch_all(&mut *tx).await?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_those_are_woken_whom_it_concerns() {
        let tail = Tail::default();
        let (here, there) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let (mut one, mut two) = (tail.wait(here), tail.wait(there));
        tail.tell(&[here, Uuid::from_u128(3)]);
        assert!(one.more().await);
        assert!(tokio::time::timeout(std::time::Duration::from_millis(20), two.more()).await.is_err());
        tail.tell_all();
        assert!(one.more().await && two.more().await);
        drop(one);
        tail.tidy();
        assert_eq!(tail.len(), 1);
        tail.stop();
        assert!(!two.more().await);
    }
}
