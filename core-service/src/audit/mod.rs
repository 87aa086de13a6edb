//! The audit trail: every authentication event, denial, change of access and administrative act, with who, what,
//! whence and how it ended.
//!
//! Rules: an event is recorded in the transaction of what it tells of ([`record`]), so that neither is there without
//! the other; a refusal, whose transaction is rolled back, is recorded after it ([`denials`]); details hold no secret;
//! nothing is ever changed or removed: the service has no right to, and the database links the events of each
//! workspace, or else of each account, by hashes ([`verify`], `migrations/0041_audit.sql`).

mod action;
pub mod denials;
mod entry;
mod event;
mod export;
mod key_refusals;
mod list;
mod own;
pub mod verify;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use self::action::Action;
pub use self::denials::{Denied, Refused, TooMany};
pub use self::event::{Event, record, record_alone};
pub use self::key_refusals::{RefusedKey, record_refused_key};
use crate::app::AppState;

/// The room's routes.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(list::list)).routes(routes!(export::export)).routes(routes!(own::list))
}
