//! Service accounts: members that are programs. They have roles, teams and grants as people have, and API keys instead of
//! passwords.
//!
//! Rules: whoever manages members manages them, if they may do all that the account may do ([`model::cover`]), since who
//! can make its keys can do what it can; an account is no owner, belongs to one workspace and goes with it; people who
//! leave leave it behind.

mod change;
mod create;
mod delete;
mod get;
pub mod keys;
mod list;
mod model;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use self::model::ServiceAccount;
pub(crate) use self::model::of_itself;
use crate::app::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(list::list, create::create))
        .routes(routes!(get::get, change::change, delete::delete))
        .routes(routes!(keys::list, keys::create))
        .routes(routes!(keys::end))
        .routes(routes!(keys::rotate))
}
