//! Search among documents: which fields of them are searched a collection's options say.
//!
//! Rules: the index follows the log of events, so a write is found a moment after it; a field that a rule hides from anybody
//! is not in it; when the options or the rules change, all of the collection is put in anew ([`reindex`]), and whoever is
//! newly kept from a field finds nothing by what the old index knows of it; what is found is read like any list, so nobody
//! finds what they may not read.

mod consumer;
mod form;
mod index;
mod query;
mod reindex;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) use self::consumer::consumer;
pub(super) use self::reindex::handler;
use crate::app::AppState;
use crate::problem::Problem;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(query::search)).routes(routes!(index::get, index::rebuild))
}

/// 404: nothing is searched there.
fn not_searched() -> Problem {
    Problem::not_found().detail("The collection's options do not say what is searched.")
}
