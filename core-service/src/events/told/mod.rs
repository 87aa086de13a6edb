//! What is told of the log: events of a workspace, as a list and as a stream.
//!
//! Rules: who may read a document, or all of its collection, is told what happens to it, as they may at the moment in which
//! they are told (row-level security on `events`); an event says what happened and to which version, not what was
//! written, so that rules for fields need not be known here; whoever names the last event that they saw is told all that
//! came after it, without a gap, or that too much was forgotten.

mod list;
mod page;
mod stream;

use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::app::AppState;

/// The room's routes.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(list::list)).routes(routes!(stream::stream))
}

/// Something that happened.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ToldEvent {
    /// Its id: the same if it is told twice, and where to go on from.
    pub id: Uuid,
    /// What happened: `document.created`, `document.changed`, `document.deleted`, `document.restored`, `comment.created`,
    /// `comment.changed`, `comment.deleted`, `collection.created`, `collection.changed` or `collection.deleted`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The id of the collection.
    pub collection_id: Uuid,
    /// Its name; null if it is gone.
    #[schema(required = true)]
    pub collection: Option<String>,
    /// The document, if it happened to one, or to a comment on one.
    #[schema(required = true)]
    pub document: Option<Uuid>,
    /// The document's version since then; of a deleted one its last; null if nothing happened to the document itself.
    #[schema(required = true)]
    pub version: Option<i64>,
    /// Who did it; null if nobody did, or if they are gone.
    #[schema(required = true)]
    pub actor: Option<Uuid>,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
}
