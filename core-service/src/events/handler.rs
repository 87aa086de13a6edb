//! Who does the jobs of a queue.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;

use super::Job;
use crate::app::AppState;
use crate::problem::Problem;

/// How an attempt ended.
pub type Outcome = Result<(), Failure>;

/// Why an attempt failed. The text is kept with the job and logged: it must hold no secret.
#[derive(Debug)]
pub enum Failure {
    /// Try again.
    Passing(anyhow::Error),
    /// Try again, not before so long.
    After(Duration, anyhow::Error),
    /// Trying again is of no use.
    Final(anyhow::Error),
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Passing(error)
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::Passing(error.into())
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Passing(problem.into())
    }
}

/// Does the jobs of one queue.
#[derive(Clone)]
pub struct Handler {
    pub(super) queue: &'static str,
    pub(super) run: Arc<dyn Fn(AppState, Job) -> BoxFuture<'static, Outcome> + Send + Sync>,
}

impl Handler {
    /// Jobs of `queue` are done by `run`.
    pub fn new<F>(queue: &'static str, run: impl Fn(AppState, Job) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Outcome> + Send + 'static,
    {
        Self { queue, run: Arc::new(move |app, job| Box::pin(run(app, job))) }
    }
}
