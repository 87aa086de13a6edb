//! Running the service: health, metrics, log lines, the OpenAPI document and its page, serving and stopping.

mod document;
pub mod encryption;
mod health;
pub mod metrics;
pub mod migrate;
mod page;
pub mod serve;
pub mod telemetry;
pub mod traces;
pub mod upkeep;

use axum::Router;
use axum::routing::get;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use self::document::ApiDocument;
pub use self::metrics::Metrics;
use crate::app::AppState;

/// Health checks: for whoever runs the service, so not in the OpenAPI document.
pub fn routes() -> Router<AppState> {
    Router::new().route("/healthz", get(health::alive)).route("/readyz", get(health::ready))
}

/// The document's own routes.
pub fn document_routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(document::openapi)).routes(routes!(document::docs))
}
