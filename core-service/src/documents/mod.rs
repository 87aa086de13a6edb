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
mod comments;
mod create;
mod delete;
mod expand;
pub mod filter;
mod get;
mod list;
mod model;
pub mod options;
mod order;
mod page;
mod places;
mod public;
pub mod query;
mod referred;
mod replace;
pub mod rules;
pub mod schema;
mod search;
mod shared;
mod transfer;
pub(crate) mod trash;
mod update;
mod versions;
pub mod write;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use self::list::ListedDocument;
pub use self::model::Document;
use crate::app::AppState;
use crate::events::{Consumer, Handler};

/// The room's readers of the log of events.
pub fn consumers() -> Vec<Consumer> {
    vec![public::purges::consumer(), search::consumer()]
}

/// Who does the room's jobs.
pub fn handlers() -> Vec<Handler> {
    vec![search::handler()]
}

/// The room's routes.
pub fn routes() -> OpenApiRouter<AppState> {
    collections::routes()
        .merge(comments::routes())
        .merge(public::routes())
        .merge(rules::routes())
        .merge(search::routes())
        .merge(transfer::routes())
        .merge(trash::routes())
        .merge(versions::routes())
        .routes(routes!(shared::list))
        .routes(routes!(aggregate::aggregate))
        .routes(routes!(bulk::bulk))
        .routes(routes!(list::list, create::create))
        .routes(routes!(get::get, replace::replace, update::update, delete::delete))
}
