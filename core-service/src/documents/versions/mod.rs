//! The versions of documents: who made them, when, and what was in them.
//!
//! Rules: every version is kept as long as its document, also in the trash; what it holds is seen under the permissions
//! and field rules that hold for the document today; restoring one makes a new version.

mod diff;
mod get;
mod list;
mod model;
mod restore;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(list::list))
        .routes(routes!(get::get))
        .routes(routes!(diff::diff))
        .routes(routes!(restore::restore))
}
