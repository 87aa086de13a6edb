//! Collections and their documents.
//!
//! Rules: a collection has a JSON Schema, and every document in it fits at all times, also while the
//! schema changes; what a list may be asked for is understood before it reaches SQL, and reaches it as
//! parameters only; every statement runs in the caller's workspace, under row-level security.

#[cfg(test)]
pub(crate) mod arbitrary;
pub mod bounds;
pub mod filter;
pub mod merge_patch;
pub mod query;
pub mod schema;

use utoipa_axum::router::OpenApiRouter;

use crate::app::AppState;

/// The room's routes.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
}
