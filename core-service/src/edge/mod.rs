//! The link to the edges: only an edge may call the core, and edges learn from the core what they need to know.
//!
//! Rules: a request is from an edge when its `breakwater-edge` header is signed with a key that we list
//! ([`link`]); an edge is never trusted to say who the caller is.

mod keys;
pub mod link;

use axum::Router;
use utoipa::openapi::OpenApi;

use self::keys::Keys;
use crate::app::AppState;
use crate::config::{Config, ConfigError};

/// The edge room's part of the state.
pub struct Edge {
    keys: Keys,
}

impl Edge {
    /// Reads the keys.
    pub fn new(config: &Config, _openapi: &OpenApi) -> Result<Self, ConfigError> {
        Ok(Self { keys: Keys::new(&config.edge)? })
    }
}

/// The room's routes: for edges only, so not in the OpenAPI document.
pub fn routes() -> Router<AppState> {
    Router::new()
}
