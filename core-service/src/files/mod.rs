//! Files: folders, uploads and downloads, versions, a trash, links.
//!
//! Rules: what is in a file lies in the [`store`], under an id that is never used again, and never changes there; a row says so
//! before the first byte is written and until the last one is gone, so that nothing is forgotten in the store and nothing is
//! deleted that a version still names ([`sweep`]); a file exists when all of its content has arrived, and whole; nothing in a
//! file is ever a page or a script of the origin it is served from ([`content`]).

mod change;
mod content;
mod create;
mod declared;
mod delete;
mod disposition;
mod folders;
mod get;
mod links;
mod list;
mod model;
mod name;
mod pieces;
mod progress;
mod put;
mod range;
mod receive;
mod replace;
mod retention;
mod sniff;
pub mod store;
pub mod sweep;
mod trash;
mod uploads;
mod usage;
mod versions;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::AppState;

/// The room's routes.
pub fn routes() -> OpenApiRouter<AppState> {
    folders::routes()
        .merge(links::routes())
        .merge(trash::routes())
        .merge(uploads::routes())
        .merge(versions::routes())
        .routes(routes!(usage::usage))
        .routes(routes!(list::list, create::create))
        .routes(routes!(get::get, change::change, delete::delete))
        .routes(routes!(content::content, replace::replace))
        .routes(routes!(retention::put))
}
