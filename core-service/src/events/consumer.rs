//! Who reads the log: each consumer sees every event, in order. What it does in the database it does in the transaction that
//! moves its position, so that happens once; what it has done elsewhere may happen again.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use futures_util::future::{BoxFuture, join_all};
use tokio::sync::{Notify, watch};

use super::log::{self, CHANNEL, Event};
use super::wake::Wake;
use crate::app::AppState;
use crate::database::{Scope, Tx};

/// How many events a consumer is given at once.
const ROUND: i64 = 500;

/// What other cores have written is looked for so often; our own requests say so.
const LOOK: Duration = Duration::from_secs(1);

/// A reader of the log. Its name stands in the table `event_consumers`, where its migration puts it.
#[derive(Clone)]
pub struct Consumer {
    name: &'static str,
    run: Run,
}

type Run = Arc<dyn for<'a> Fn(&'a AppState, &'a mut Tx, Vec<Event>) -> BoxFuture<'a, anyhow::Result<()>> + Send + Sync>;

impl Consumer {
    /// Events are given to `run`, with a transaction of [`Scope::worker`] that commits if it succeeds.
    pub fn new(
        name: &'static str,
        run: impl for<'a> Fn(&'a AppState, &'a mut Tx, Vec<Event>) -> BoxFuture<'a, anyhow::Result<()>>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        Self { name, run: Arc::new(run) }
    }

    /// Gives it what it has not seen yet, and says how much that was; 0 also while another process does.
    async fn advance(&self, app: &AppState) -> anyhow::Result<usize> {
        let mut tx = app.database.begin(&Scope::worker()).await?;
        let position = sqlx::query_scalar!(
            "SELECT position FROM event_consumers WHERE name = $1 FOR UPDATE SKIP LOCKED",
            self.name
        );
        let Some(position) = position.fetch_optional(&mut *tx).await? else { return Ok(0) };
        let events = log::behind(&mut tx, position, ROUND).await?;
        let Some(last) = events.last().map(|event| event.number) else { return Ok(0) };
        let count = events.len();
        if let Err(error) = (self.run)(app, &mut tx, events).await {
            // Now, not when the pool comes to it: whoever tries again must find the position free.
            tx.rollback().await?;
            return Err(error);
        }
        sqlx::query!("UPDATE event_consumers SET position = $2 WHERE name = $1", self.name, last)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(count)
    }
}

/// Tells whoever numbers events that this process has written something.
#[derive(Default)]
pub struct Written(Notify);

impl Written {
    /// There may be events to number.
    pub fn tell(&self) {
        self.0.notify_one();
    }
}

/// After a request that may have written: what it told is numbered at once.
pub async fn layer(State(app): State<AppState>, request: Request, next: Next) -> Response {
    let writes = !request.method().is_safe() && request.uri().path().starts_with("/api/v1/workspaces/");
    let answer = next.run(request).await;
    if writes && answer.status().is_success() {
        app.written.tell();
    }
    answer
}

/// Numbers events for as long as it is polled.
pub async fn number(app: AppState) {
    loop {
        tokio::select! {
            () = app.written.0.notified() => {}
            () = tokio::time::sleep(LOOK) => {}
        }
        if let Err(problem) = log::number(&app).await {
            tracing::warn!(reason = problem.kind().title, "events cannot be numbered; the next look tries again");
            tokio::time::sleep(LOOK).await;
        }
    }
}

/// Has events consumed until `stop` is done. No consumer waits for another.
pub async fn consume(app: AppState, consumers: Vec<Consumer>, stop: impl Future<Output = ()>) {
    let (news, _) = watch::channel(());
    let consuming = join_all(consumers.iter().map(|consumer| follow(&app, consumer, news.subscribe())));
    let wake = Wake::listen(app.database.clone(), CHANNEL);
    let waking = async {
        loop {
            wake.called().await;
            news.send_replace(());
        }
    };
    tokio::select! {
        () = stop => {}
        _ = consuming => {}
        () = waking => {}
    }
}

async fn follow(app: &AppState, consumer: &Consumer, mut news: watch::Receiver<()>) {
    loop {
        news.mark_unchanged();
        if let Err(error) = advance_fully(app, consumer).await {
            let error = format!("{error:#}");
            tracing::error!(consumer = consumer.name, error, "events were not consumed; they are tried again");
            tokio::time::sleep(LOOK).await;
        }
        // In time or not, it is looked again.
        let _ = tokio::time::timeout(app.config.events.poll, news.changed()).await;
    }
}

async fn advance_fully(app: &AppState, consumer: &Consumer) -> anyhow::Result<()> {
    while consumer.advance(app).await? > 0 {}
    Ok(())
}

/// Numbers and consumes all that has committed.
pub async fn settle(app: &AppState, consumers: &[Consumer]) -> anyhow::Result<()> {
    log::number(app).await?;
    for consumer in consumers {
        advance_fully(app, consumer).await?;
    }
    Ok(())
}
