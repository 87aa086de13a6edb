//! Folders, in which files and other folders are.
//!
//! Rules: no two folders in one folder have the same name; a folder is never inside itself; only an empty one is deleted.

mod change;
mod create;
mod delete;
mod get;
mod list;
mod model;
mod place;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) use self::model::find;
use crate::app::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(list::list, create::create)).routes(routes!(
        get::get,
        change::change,
        delete::delete
    ))
}
