//! What the core counts, for Prometheus: docs/observability.md has the list.
//!
//! It is served by a listener of its own (`telemetry.metrics_listen`), which no edge forwards to. Labels are operations
//! of the OpenAPI document, queues and words of a fixed set.

use std::collections::HashMap;
use std::fmt;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use prometheus_client::encoding::text;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use utoipa::openapi::OpenApi;

use crate::app::AppState;
use crate::http::operations;

/// Seconds: from what a cached row takes to what a request may take at all.
const BUCKETS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 15.0];

const STATUSES: [&str; 6] = ["other", "1xx", "2xx", "3xx", "4xx", "5xx"];

type Label = (&'static str, String);

/// All counters.
pub struct Metrics {
    registry: Registry,
    operations: HashMap<(Method, String), Operation>,
    /// Health checks, what edges ask for, and what is no operation.
    others: Operation,
    jobs: Family<[Label; 2], Counter>,
    job_durations: Family<[Label; 1], Histogram>,
    jobs_running: Gauge,
    pool: Family<[Label; 1], Gauge>,
    hashing: Family<[Label; 1], Gauge>,
}

/// Of one operation.
struct Operation {
    /// By the first digit of the status.
    statuses: [Counter; 6],
    durations: Histogram,
}

/// How an attempt at a job ended.
#[derive(Debug, Clone, Copy)]
pub enum JobEnd {
    /// It is done.
    Done,
    /// It will be tried again.
    Failed,
    /// It is dead.
    Dead,
}

impl Metrics {
    /// Nothing has happened yet.
    pub fn new(openapi: &OpenApi) -> Self {
        let mut registry = Registry::with_prefix("breakwater_core");
        let requests: Family<[Label; 2], Counter> = Family::default();
        let durations: Family<[Label; 1], Histogram> = Family::new_with_constructor(|| Histogram::new(BUCKETS));
        registry.register("requests", "Requests that were answered", requests.clone());
        registry.register(
            "request_duration_seconds",
            "From a request's head to the head of its answer",
            durations.clone(),
        );
        let operation = |id: &str| {
            let id = ("operation", id.to_owned());
            Operation {
                statuses: STATUSES
                    .map(|status| requests.get_or_create_owned(&[id.clone(), ("status", status.to_owned())])),
                durations: durations.get_or_create_owned(&[id]),
            }
        };
        let metrics = Self {
            operations: named(openapi).map(|(place, id)| (place, operation(id))).collect(),
            others: operation("none"),
            jobs: Family::default(),
            job_durations: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
            jobs_running: Gauge::default(),
            pool: Family::default(),
            hashing: Family::default(),
            registry: Registry::default(),
        };
        registry.register("jobs", "Attempts at jobs of the outbox", metrics.jobs.clone());
        registry.register("job_duration_seconds", "How long attempts took", metrics.job_durations.clone());
        registry.register("jobs_running", "Attempts that are under way", metrics.jobs_running.clone());
        registry.register("pool_connections", "Connections to PostgreSQL", metrics.pool.clone());
        registry.register("password_hashing", "Passwords that are hashed, or wait for it", metrics.hashing.clone());
        Self { registry, ..metrics }
    }

    /// An attempt at a job begins; the answer has to be kept until it has ended.
    pub fn job_begins(&self) -> impl Drop + use<> {
        struct Running(Gauge);
        impl Drop for Running {
            fn drop(&mut self) {
                self.0.dec();
            }
        }
        self.jobs_running.inc();
        Running(self.jobs_running.clone())
    }

    /// An attempt at a job has ended so.
    pub fn job_ended(&self, queue: &str, end: JobEnd, took: Duration) {
        let outcome = match end {
            JobEnd::Done => "done",
            JobEnd::Failed => "failed",
            JobEnd::Dead => "dead",
        };
        let queue = ("queue", queue.to_owned());
        self.jobs.get_or_create(&[queue.clone(), ("outcome", outcome.to_owned())]).inc();
        self.job_durations.get_or_create(&[queue]).observe(took.as_secs_f64());
    }

    /// The page that Prometheus reads (OpenMetrics 1.0).
    pub fn render(&self, app: &AppState) -> Result<String, fmt::Error> {
        let set = |family: &Family<[Label; 1], Gauge>, state: &str, value: usize| {
            family.get_or_create(&[("state", state.to_owned())]).set(value as i64);
        };
        let (open, idle) = app.database.connections();
        set(&self.pool, "idle", idle);
        set(&self.pool, "used", open.saturating_sub(idle));
        let (running, waiting) = app.identity.hashing();
        set(&self.hashing, "running", running);
        set(&self.hashing, "waiting", waiting);
        let mut page = String::new();
        text::encode(&mut page, &self.registry)?;
        Ok(page)
    }
}

/// Where each operation is, and its id.
fn named(openapi: &OpenApi) -> impl Iterator<Item = ((Method, String), &str)> {
    operations(openapi).filter_map(|(place, operation)| Some((place, operation.operation_id.as_deref()?)))
}

/// Layer: counts every answer.
pub async fn layer(State(app): State<AppState>, request: Request, next: Next) -> Response {
    let since = Instant::now();
    let path = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    // GET answers HEAD.
    let method = if request.method() == Method::HEAD { Method::GET } else { request.method().clone() };
    let response = next.run(request).await;
    let place = path.map(|path| (method, path));
    let metrics = &app.metrics;
    let operation = place.and_then(|place| metrics.operations.get(&place)).unwrap_or(&metrics.others);
    operation.statuses[usize::from(response.status().as_u16() / 100).min(5)].inc();
    operation.durations.observe(since.elapsed().as_secs_f64());
    response
}

/// `GET /metrics`, and nothing else.
pub fn router(app: AppState) -> Router {
    Router::new().route("/metrics", get(page)).with_state(app)
}

async fn page(State(app): State<AppState>) -> Response {
    match app.metrics.render(&app) {
        Ok(page) => {
            let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            ([(header::CONTENT_TYPE, kind)], page).into_response()
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
