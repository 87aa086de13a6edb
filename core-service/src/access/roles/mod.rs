//! Roles of a workspace's own, beside the built-in ones, which never change.
//!
//! Rules: a role's name never changes, since it names the role everywhere; who makes or changes one has every permission
//! in it, before and after; one that somebody or something has cannot be deleted.

mod change;
mod create;
mod delete;
mod get;
mod list;
mod model;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) use self::create::whole;
use crate::app::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(list::list, create::create)).routes(routes!(
        get::get,
        change::change,
        delete::delete
    ))
}
