//! Jobs in the database.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::Failure;

/// Work that is asked for.
pub struct NewJob<'a, T> {
    /// Who does it.
    pub queue: &'static str,
    /// Within the queue, what has the same reason is taken once; `None` is always taken.
    pub reason: Option<&'a str>,
    /// What its handler needs. It stands in the clear in the database until the job is done.
    pub payload: &'a T,
}

/// Asks for work, in the transaction of the write that it follows from. Whether it was taken: `false` means that
/// there was a job of the same reason already.
pub async fn ask<T: Serialize>(connection: &mut PgConnection, new: NewJob<'_, T>) -> anyhow::Result<bool> {
    let payload = serde_json::to_value(new.payload)?;
    // Without a conflict target: naming one would demand the right to see jobs.
    let asked = sqlx::query!(
        "INSERT INTO jobs (id, queue, reason, payload) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        Uuid::now_v7(),
        new.queue,
        new.reason,
        payload
    )
    .execute(connection)
    .await?;
    Ok(asked.rows_affected() > 0)
}

/// One attempt at a job.
#[derive(Debug, Clone)]
pub struct Job {
    /// The same in every attempt.
    pub id: Uuid,
    /// Who does it.
    pub queue: String,
    /// Which attempt this is, from 1.
    pub attempt: i32,
    payload: Value,
}

impl Job {
    /// What the job was asked with.
    pub fn payload<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_json::from_value(self.payload.clone()).map_err(|error| Failure::Final(error.into()))
    }
}

/// Takes at most `most` jobs that are due, for at least `hold`: after that they are due again.
pub(super) async fn claim(
    connection: &mut PgConnection,
    queues: &[String],
    hold: Duration,
    most: i64,
) -> Result<Vec<Job>, sqlx::Error> {
    sqlx::query_as!(
        Job,
        "WITH due AS MATERIALIZED (
           SELECT id FROM jobs WHERE state = 'waiting' AND run_at <= now() AND queue = ANY($1)
           ORDER BY run_at LIMIT $3 FOR UPDATE SKIP LOCKED
         )
         UPDATE jobs SET attempts = attempts + 1, run_at = now() + make_interval(secs => $2)
         FROM due WHERE jobs.id = due.id
         RETURNING jobs.id, queue, attempts AS attempt, payload",
        queues,
        hold.as_secs_f64(),
        most
    )
    .fetch_all(connection)
    .await
}

/// How long until the next job is due, if there is one.
pub(super) async fn next_due(
    connection: &mut PgConnection,
    queues: &[String],
) -> Result<Option<Duration>, sqlx::Error> {
    let seconds = sqlx::query_scalar!(
        "SELECT extract(epoch FROM min(run_at) - now())::float8 FROM jobs
         WHERE state = 'waiting' AND queue = ANY($1)",
        queues
    )
    .fetch_one(connection)
    .await?;
    Ok(seconds.map(|seconds| Duration::try_from_secs_f64(seconds).unwrap_or_default()))
}

// An attempt has a number, and only the newest one may say how it ended: one that was held for too long and was
// given to another worker changes nothing.

/// The job is done. What has a reason is remembered for a while, without its payload.
pub(super) async fn finish(connection: &mut PgConnection, job: &Job) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "WITH forgotten AS (
           DELETE FROM jobs WHERE id = $1 AND attempts = $2 AND state = 'waiting' AND reason IS NULL
         )
         UPDATE jobs SET state = 'done', finished_at = now(), payload = 'null', last_error = NULL
         WHERE id = $1 AND attempts = $2 AND state = 'waiting' AND reason IS NOT NULL",
        job.id,
        job.attempt
    )
    .execute(connection)
    .await
    .map(drop)
}

/// The attempt failed; the next one may begin after `pause`.
pub(super) async fn postpone(
    connection: &mut PgConnection,
    job: &Job,
    pause: Duration,
    error: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE jobs SET run_at = now() + make_interval(secs => $3), last_error = $4
         WHERE id = $1 AND attempts = $2 AND state = 'waiting'",
        job.id,
        job.attempt,
        pause.as_secs_f64(),
        error
    )
    .execute(connection)
    .await
    .map(drop)
}

/// There will be no next attempt.
pub(super) async fn bury(connection: &mut PgConnection, job: &Job, error: &str) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE jobs SET state = 'dead', finished_at = now(), last_error = $3
         WHERE id = $1 AND attempts = $2 AND state = 'waiting'",
        job.id,
        job.attempt,
        error
    )
    .execute(connection)
    .await
    .map(drop)
}

/// Forgets what was done longer than `keep` ago: from then on its reason is taken again.
pub async fn forget_done(connection: &mut PgConnection, keep: Duration) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "DELETE FROM jobs WHERE state = 'done' AND finished_at < now() - make_interval(secs => $1)",
        keep.as_secs_f64()
    )
    .execute(connection)
    .await
    .map(drop)
}
