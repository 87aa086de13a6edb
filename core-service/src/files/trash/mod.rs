//! Deleted files, which can be restored for a while.
//!
//! Rules: a file in the trash cannot be downloaded, and its name is free for others; it counts until it goes for good, with all
//! that was ever in it; whoever may write files sees the trash.

mod list;
mod purge;
mod restore;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(list::list)).routes(routes!(purge::purge)).routes(routes!(restore::restore))
}
