//! Collections and their documents.
//!
//! Rules: a collection has a JSON Schema and options, and every document in it fits at all times, also while they change;
//! all that changes documents is in [`write`]; deleted ones lie in the [`trash`];
//! what a list may be asked for is understood before it reaches SQL, and reaches it as parameters only; every
//! statement runs in the caller's workspace, under row-level security.

mod aggregate;
#[cfg(test)]
pub(crate) mod arbitrary;
mod asked;
pub mod bounds;
mod bulk;
pub mod collections;
mod create;
mod delete;
mod expand;
pub mod filter;
mod get;
mod list;
mod model;
pub mod options;
mod page;
mod places;
pub mod query;
mod referred;
mod replace;
pub mod rules;
pub mod schema;
mod shared;
pub(crate) mod trash;
mod update;
mod versions;
pub mod write;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use self::list::ListedDocument;
pub use self::model::Document;
use crate::app::AppState;

/// The room's routes.
pub fn routes() -> OpenApiRouter<AppState> {
    collections::routes()
        .merge(rules::routes())
        .merge(trash::routes())
        .merge(versions::routes())
        .routes(routes!(shared::list))
        .routes(routes!(aggregate::aggregate))
        .routes(routes!(bulk::bulk))
        .routes(routes!(list::list, create::create))
        .routes(routes!(get::get, replace::replace, update::update, delete::delete))
}
