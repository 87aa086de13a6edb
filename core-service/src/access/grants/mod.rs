//! Permissions on single things: a collection or a document, to a member, to whoever has a role, to a team, or to whoever
//! has a link.
//!
//! Rules: a grant adds and never takes away; it ends when it says so, with the thing, and with the one whom it is to; who
//! grants has all of it in the whole workspace; a link reads, ends, and is stored as a hash. Another kind of thing is a word
//! in the table's `resource_type` and a variant of [`super::Resource`].

mod create;
mod delete;
mod list;
mod model;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use self::model::LinkToken;
use crate::app::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(list::list, create::create)).routes(routes!(delete::delete))
}
