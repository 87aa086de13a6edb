//! Collections and their documents.
//!
//! Rules: a collection has a JSON Schema, and every document in it fits at all times, also while the schema changes;
//! what a list may be asked for is understood before it reaches SQL, and reaches it as parameters only; every
//! statement runs in the caller's workspace, under row-level security.

#[cfg(test)]
pub(crate) mod arbitrary;
pub mod bounds;
pub mod collections;
mod create;
mod delete;
pub mod filter;
mod get;
mod list;
pub mod merge_patch;
mod model;
mod page;
pub mod query;
mod replace;
pub mod rules;
pub mod schema;
mod shared;
mod update;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use self::list::ListedDocument;
pub use self::model::Document;
use crate::app::AppState;

/// The room's routes.
pub fn routes() -> OpenApiRouter<AppState> {
    collections::routes()
        .merge(rules::routes())
        .routes(routes!(shared::list))
        .routes(routes!(list::list, create::create))
        .routes(routes!(get::get, replace::replace, update::update, delete::delete))
}
