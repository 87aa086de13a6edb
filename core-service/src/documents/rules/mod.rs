//! Rules for single fields: from whom a field in `data` is hidden, and by whom it can only be read.
//!
//! Rules: a rule holds for a caller all of whose roles it names, so that another role never takes anything away; a link
//! shows what no rule hides from anybody; owners see and write everything. A hidden field is in no answer, and may stand in no
//! filter, order or body (403); it stays as it is when the rest is written, and no error tells of it. Rules are kept in the
//! collection's row, which every request for documents reads anyway.
//!
//! The database does not know these rules: its policies are about rows.

mod applied;
mod get;
mod limits;
mod put;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) use self::applied::Applied;
pub use self::limits::FieldLimit;
pub(crate) use self::limits::limits;
use crate::access::RoleName;
use crate::app::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(get::get, put::put))
}

/// What may not be done with a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FieldAccess {
    /// It is not seen.
    Hidden,
    /// It is not changed.
    ReadOnly,
}

/// A rule for a field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FieldRule {
    /// The field, as filters name it.
    #[schema(max_length = 500, example = "data.salary")]
    pub field: String,
    /// For callers who have these roles and no others.
    #[schema(min_items = 1, max_items = 50)]
    pub roles: Vec<RoleName>,
    /// What they may not do.
    pub access: FieldAccess,
}

impl FieldRule {
    /// Whether it is for whoever has these roles.
    fn is_for(&self, roles: &[String]) -> bool {
        roles.iter().all(|role| self.roles.iter().any(|named| named.as_str() == role))
    }
}

/// The rules of a collection.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FieldRules {
    /// Each for one field.
    #[schema(max_items = 100)]
    pub rules: Vec<FieldRule>,
}
