//! Claims jobs and has them done, several at once.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use tokio::task::JoinSet;
use tracing::Instrument;

use super::backoff::pause;
use super::handler::{Failure, Handler, Outcome};
use super::job::{self, Job};
use super::wake::{self, Wake};
use crate::app::AppState;
use crate::config::EventsConfig;
use crate::database::Scope;
use crate::operations::metrics::JobEnd;
use crate::problem::Result;
use crate::vault::random;

/// How much longer than an attempt may take its job is held, so that how it ended can be written down.
const MARGIN: Duration = Duration::from_secs(15);

/// No error tells more than this.
const LONGEST_ERROR: usize = 2000;

/// Does jobs until `stop` is done, then lets those that run finish.
pub async fn run(app: AppState, handlers: Vec<Handler>, stop: impl Future<Output = ()>) {
    let wake = Wake::listen(app.database.clone(), wake::JOBS);
    let most = app.config.events.workers.max(1);
    let mut running = JoinSet::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        let wait = match fill(&app, &handlers, &mut running, most).await {
            Ok(wait) => wait,
            Err(problem) => {
                tracing::warn!(reason = problem.kind().title, "no jobs can be claimed; the next look tries again");
                app.config.events.poll
            }
        };
        tokio::select! {
            () = &mut stop => break,
            Some(_) = running.join_next() => {}
            () = wake.called() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
    drop(wake);
    let finished = async { while running.join_next().await.is_some() {} };
    if tokio::time::timeout(app.config.http.shutdown_grace, finished).await.is_err() {
        tracing::warn!("jobs were still running at the end of http.shutdown_grace_seconds; they will be tried again");
    }
}

/// Does everything that is due, and what comes of it, until nothing is due: how many attempts that took.
pub async fn run_due(app: &AppState, handlers: &[Handler]) -> Result<usize> {
    let mut running = JoinSet::new();
    let mut attempts = 0;
    loop {
        fill(app, handlers, &mut running, app.config.events.workers.max(1)).await?;
        if running.join_next().await.is_none() {
            return Ok(attempts);
        }
        attempts += 1;
    }
}

/// Claims as many jobs as there is room for and starts them; how long until it is worth looking again.
async fn fill(app: &AppState, handlers: &[Handler], running: &mut JoinSet<()>, most: usize) -> Result<Duration> {
    let config = &app.config.events;
    let room = most.saturating_sub(running.len());
    if room == 0 {
        return Ok(config.poll);
    }
    let queues: Vec<String> = handlers.iter().map(|handler| handler.queue.to_owned()).collect();
    let mut tx = app.database.begin(&Scope::worker()).await?;
    let hold = config.job_timeout + MARGIN;
    let jobs = job::claim(&mut tx, &queues, hold, i64::try_from(room).unwrap_or(i64::MAX)).await?;
    let wait = match jobs.len() {
        claimed if claimed == room => config.poll,
        _ => job::next_due(&mut tx, &queues).await?.map_or(config.poll, |next| next.min(config.poll)),
    };
    tx.commit().await?;
    for job in jobs {
        if let Some(handler) = handlers.iter().find(|handler| handler.queue == job.queue) {
            let span = tracing::info_span!("job", id = %job.id, queue = job.queue, attempt = job.attempt);
            running.spawn(attempt(app.clone(), handler.clone(), job).instrument(span));
        }
    }
    // Never in a tight loop, whatever the clocks say.
    Ok(wait.max(Duration::from_millis(20)))
}

async fn attempt(app: AppState, handler: Handler, job: Job) {
    let limit = app.config.events.attempts;
    let (since, _running) = (Instant::now(), app.metrics.job_begins());
    let outcome = if u32::try_from(job.attempt).unwrap_or(u32::MAX) > limit {
        // Its workers died each time: it may be what kills them.
        Err(Failure::Final(anyhow::anyhow!("no attempt came to an end")))
    } else {
        outcome(&app, &handler, &job).await
    };
    match record(&app, &job, outcome).await {
        Ok(end) => app.metrics.job_ended(&job.queue, end, since.elapsed()),
        Err(problem) => tracing::warn!(
            reason = problem.kind().title,
            "how a job ended could not be written down; it is tried again"
        ),
    }
}

async fn outcome(app: &AppState, handler: &Handler, job: &Job) -> Outcome {
    let running = AssertUnwindSafe((handler.run)(app.clone(), job.clone())).catch_unwind();
    match tokio::time::timeout(app.config.events.job_timeout, running).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_)) => Err(Failure::Passing(anyhow::anyhow!("it panicked"))),
        Err(_) => Err(Failure::Passing(anyhow::anyhow!("it took too long"))),
    }
}

async fn record(app: &AppState, job: &Job, outcome: Outcome) -> Result<JobEnd> {
    let mut tx = app.database.begin(&Scope::worker()).await?;
    let end = match outcome {
        Ok(()) => {
            job::finish(&mut tx, job).await?;
            tracing::debug!("done");
            JobEnd::Done
        }
        Err(failure) => {
            let (error, wait) = next_attempt(&app.config.events, job, failure)?;
            match wait {
                Some(wait) => {
                    tracing::warn!(error, wait_ms = wait.as_millis() as u64, "a job failed and is tried again");
                    job::postpone(&mut tx, job, wait, &error).await?;
                    JobEnd::Failed
                }
                None => {
                    tracing::error!(error, "a job failed for good: see `core-service admin dead-jobs`");
                    job::bury(&mut tx, job, &error).await?;
                    JobEnd::Dead
                }
            }
        }
    };
    tx.commit().await?;
    Ok(end)
}

/// What went wrong, and how long until the next attempt if there is to be one.
fn next_attempt(config: &EventsConfig, job: &Job, failure: Failure) -> anyhow::Result<(String, Option<Duration>)> {
    let attempt = u32::try_from(job.attempt).unwrap_or(u32::MAX);
    let [chance] = random()?;
    let pause = pause(attempt, config.first_retry, config.longest_retry, chance);
    let (error, wait) = match failure {
        Failure::Passing(error) => (error, Some(pause)),
        Failure::After(least, error) => (error, Some(pause.max(least))),
        Failure::Final(error) => (error, None),
    };
    let text: String = format!("{error:#}").chars().take(LONGEST_ERROR).collect();
    Ok((text, wait.filter(|_| attempt < config.attempts)))
}
