//! The link to the edges: only an edge may call the core, and edges learn from the core what they need to know.
//!
//! Rules: a request is from an edge when its `breakwater-edge` header is signed with a key that we list
//! ([`link`]); an edge is never trusted to say who the caller is; routes come from our own OpenAPI document.

mod declared;
pub mod issuers;
mod jwks;
mod keys;
pub mod link;
pub mod news;
mod publish;
mod routes;
mod snapshot;

use std::sync::{Arc, RwLock};

use axum::Router;
use axum::routing::get;
use utoipa::openapi::OpenApi;

use self::declared::Declared;
use self::issuers::Issuers;
use self::keys::Keys;
use self::news::News;
use self::snapshot::{Snapshot, Template};
use crate::app::AppState;
use crate::config::Config;

/// The edge room's part of the state.
pub struct Edge {
    keys: Keys,
    template: Template,
    snapshot: RwLock<Option<Arc<Snapshot>>>,
    news: News,
    issuers: Issuers,
}

impl Edge {
    /// Reads the keys and prepares the snapshot.
    pub fn new(config: &Config, openapi: &OpenApi) -> anyhow::Result<Self> {
        let declared = Declared::read(config.edge.policies_file.as_deref())?;
        Ok(Self {
            keys: Keys::new(&config.edge)?,
            template: Template::new(config, &declared, &serde_json::to_value(openapi)?)?,
            issuers: Issuers::new(&declared.issuers),
            snapshot: RwLock::default(),
            news: News::default(),
        })
    }

    /// Answers the edges that wait for news, because the service stops.
    pub fn stop(&self) {
        self.news.stop();
    }
}

/// The room's routes: for edges only, so not in the OpenAPI document.
pub fn routes() -> Router<AppState> {
    Router::new().route("/edge/v1/snapshot", get(publish::snapshot))
}
