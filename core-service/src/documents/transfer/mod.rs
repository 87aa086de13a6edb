//! Many documents in and out of a collection: CSV (RFC 4180) and JSON Lines.
//!
//! Rules: what goes out can come in again; every row that comes in is a write like any other, with the rights of whoever
//! sends it, and is told of alone; a row that names a document that is there, by its key, changes it, so that the same file can
//! be sent again.

mod columns;
mod export;
mod import;
mod rows;

use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(export::export)).routes(routes!(import::import))
}

/// How many documents are written down.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// A document a line, as lists have them.
    #[default]
    Jsonl,
    /// A document a row, a field a column.
    Csv,
}
