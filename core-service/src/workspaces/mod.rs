//! Workspaces, the tenants, and their members.
//!
//! Rules: who creates a workspace owns it; a workspace always has an owner, which [`members::keep_an_owner`] sees to
//! under the workspace's lock; only owners make or unmake owners; whoever is no member learns nothing (404).

mod create;
mod delete;
mod get;
mod list;
pub mod members;
mod model;
mod update;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use self::model::{OwnWorkspace, Workspace};
use crate::app::AppState;

/// The room's routes.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(list::list, create::create))
        .routes(routes!(get::get, update::update, delete::delete))
        .merge(members::routes())
}
