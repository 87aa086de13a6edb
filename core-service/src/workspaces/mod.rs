//! Workspaces, the tenants, and their members, people and programs.
//!
//! Rules: who creates a workspace owns it; a workspace always has an owner, which [`members::keep_an_owner`] sees to
//! under the workspace's lock; only owners make or unmake owners, or hand the workspace over in one step ([`transfer`]); whoever is no member learns nothing (404).

mod create;
mod delete;
mod get;
pub(crate) mod invitations;
mod list;
pub mod members;
mod model;
pub mod service_accounts;
mod teams;
mod transfer;
mod update;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) use self::list::of_user;
pub use self::model::{OwnWorkspace, Workspace};
use crate::app::AppState;

/// The room's routes.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(list::list, create::create))
        .routes(routes!(get::get, update::update, delete::delete))
        .merge(members::routes())
        .merge(service_accounts::routes())
        .merge(teams::routes())
        .merge(invitations::routes())
        .routes(routes!(transfer::transfer))
}
