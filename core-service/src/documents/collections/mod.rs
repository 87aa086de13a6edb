//! Collections: named sets of documents that fit a schema.
//!
//! Rules: a document is written under a lock that keeps its collection as it is ([`Target::for_writing`]); a schema
//! is changed under a lock that keeps documents out, after all of them were checked ([`compatible`]).

mod compatible;
mod create;
mod delete;
mod get;
mod list;
mod model;
mod replace;
mod target;
mod update;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use self::model::{Collection, CollectionName};
pub(super) use self::target::Target;
use crate::app::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(list::list, create::create)).routes(routes!(
        get::get,
        replace::replace,
        update::update,
        delete::delete
    ))
}
