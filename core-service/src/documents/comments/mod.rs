//! What people say about a document.
//!
//! Rules: whoever may read a document reads what is said about it, whoever may write it may say something; only who said it
//! changes it, and only they and whoever manages the collection delete it; comments go to the trash and come back with their
//! document.

mod change;
mod create;
mod delete;
mod list;
mod model;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(list::list, create::create)).routes(routes!(change::change, delete::delete))
}
