//! Support staff who act in a member's name.
//!
//! Rules: only who the operator made support ([`staff`]), only in a workspace whose owner consents for some hours
//! ([`consent`]), only with a second factor and a recent proof of who they are ([`begin`]), for an hour at the most, with a
//! reason. It is a session of the member's, whose tokens name both (`act`, RFC 8693 section 4.1): the member sees it among
//! their own and ends it like any other, the workspace ends all by taking its consent back, and the database looks at the
//! consent for every request. In it they see what the member sees, and write documents, purging none; everything else is refused, here
//! ([`admit`]) and once more by the database (`migrations/0045_support.sql`). Every request stands in the workspace's trail.

mod admit;
mod begin;
mod consent;
mod sessions;
mod staff;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

pub(super) use self::admit::admit;
pub use self::staff::{appoint, dismiss};
use crate::app::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(consent::get, consent::put, consent::delete)).routes(routes!(begin::begin))
}

/// In whose hands a session is, and where it may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Support {
    /// Who acts.
    pub by: Uuid,
    /// The only workspace in which they may.
    pub workspace: Uuid,
}
