//! Uploads that can be resumed: the tus protocol 1.0.0 (<https://tus.io/protocols/resumable-upload>) with its extensions `creation`,
//! `termination` and `expiration`.
//!
//! Rules: each request's bytes become a piece in the store, and are there with the transaction that moves the upload's offset; of two
//! requests at the same offset one wins, and the other is told where to go on; what has arrived when a connection breaks is kept; when
//! the last byte is there, so is the file, in the same transaction.

mod append;
mod begin;
mod end;
mod get;
mod metadata;
mod model;
mod protocol;

use axum::middleware;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(begin::begin))
        .routes(routes!(get::get, append::append, end::end))
        .layer(middleware::from_fn(protocol::layer))
}
