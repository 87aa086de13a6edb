//! The HTTP conventions that every room shares: bodies, parameters, preconditions, pages, repeated requests.
//!
//! Rule: a handler sees only valid input, and anything else was answered with a problem before it ran.

pub mod conditional;
mod created;
mod date;
mod drain;
pub mod idempotency;
mod json;
pub mod layers;
mod operations;
pub mod paging;
mod parameters;
pub mod patch;
pub mod request_id;
mod schema;
pub mod uploads;

pub use self::conditional::{IfMatch, IfNoneMatch, etag};
pub use self::created::created;
pub(crate) use self::date::http_date;
pub use self::idempotency::{Attempt, Idempotency, IdempotentTransaction};
pub use self::json::Json;
pub(crate) use self::json::{body, essence, fit, has_media_type, parse};
pub(crate) use self::operations::operations;
pub use self::paging::{Cursor, Limit, Page, PageQuery};
pub(crate) use self::parameters::header;
pub use self::parameters::{Path, Query};
pub use self::patch::Patch;
pub(crate) use self::schema::refuse_nul;
pub use self::schema::validation_errors;
pub use self::uploads::Uploads;
