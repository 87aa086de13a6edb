//! The link to the edges: only an edge may call the core, and edges learn from the core what they need to know.
//!
//! Rules: a request is from an edge when its `breakwater-edge` header is signed with a key that we list
//! ([`link`]); an edge is never trusted to say who the caller is; routes come from our own OpenAPI document and from
//! the file `gateway.toml` ([`gateway`]).

pub mod gateway;
mod introspect;
pub mod issuers;
mod jwks;
mod keys;
pub mod link;
pub mod news;
mod publish;
pub mod purges;
mod routes;
mod snapshot;

use std::sync::{Arc, RwLock};

use axum::Router;
use axum::routing::{get, post};
use tokio::sync::watch;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::gateway::{File, Mistakes};
use self::issuers::Issuers;
use self::keys::Keys;
use self::news::News;
use self::purges::Held;
use self::routes::Own;
use self::snapshot::{Snapshot, Template};
use crate::app::AppState;
use crate::config::{Config, ConfigError};

/// The edge room's part of the state.
pub struct Edge {
    keys: Keys,
    config: Config,
    own: Own,
    declared: watch::Sender<Arc<Declared>>,
    /// What is wrong with the gateway file as it is now.
    refused: RwLock<Option<String>>,
    purges: Held,
    snapshot: RwLock<Option<Arc<Snapshot>>>,
    news: News,
}

/// What came of one version of the gateway file.
struct Declared {
    text: String,
    template: Template,
    issuers: Issuers,
}

impl Edge {
    /// Reads the keys and the gateway file, and prepares the snapshot.
    pub fn new(config: &Config, openapi: &OpenApi) -> anyhow::Result<Self> {
        let own = Own::new(&serde_json::to_value(openapi)?, config)?;
        let text = match &config.edge.gateway_file {
            Some(path) => std::fs::read_to_string(path).map_err(|error| named(config, &error))?,
            None => String::new(),
        };
        let (declared, _) = Declared::new(config, &own, text, None).map_err(|error| named(config, &error))?;
        Ok(Self {
            keys: Keys::new(&config.edge)?,
            config: config.clone(),
            own,
            declared: watch::channel(Arc::new(declared)).0,
            refused: RwLock::default(),
            purges: Held::default(),
            snapshot: RwLock::default(),
            news: News::default(),
        })
    }

    /// Answers the edges that wait for news, because the service stops.
    pub fn stop(&self) {
        self.news.stop();
    }

    /// What is wrong with the gateway file as it is now; the last good one is in use.
    pub fn gateway_mistakes(&self) -> Option<String> {
        self.refused.read().ok().and_then(|refused| refused.clone())
    }

    fn declared(&self) -> Arc<Declared> {
        self.declared.borrow().clone()
    }

    fn gateway_text(&self) -> String {
        self.declared.borrow().text.clone()
    }

    /// Publishes what another version of the gateway file says, and tells in a few words what that is.
    fn adopt_gateway(&self, text: String) -> Result<String, Mistakes> {
        let before = self.declared();
        let (declared, summary) = Declared::new(&self.config, &self.own, text, Some(&before.issuers))?;
        self.declared.send_replace(Arc::new(declared));
        if let Ok(mut refused) = self.refused.write() {
            *refused = None;
        }
        self.news.tell();
        Ok(summary)
    }

    fn refuse_gateway(&self, error: String) {
        if let Ok(mut refused) = self.refused.write() {
            *refused = Some(error);
        }
    }
}

impl Declared {
    fn new(config: &Config, own: &Own, text: String, before: Option<&Issuers>) -> Result<(Self, String), Mistakes> {
        let file = File::parse(&text)?;
        let template = Template::new(config, own, &text, &file)?;
        let issuers = Issuers::new(&file.issuers, before);
        Ok((Self { text, template, issuers }, file.summary()))
    }
}

fn named(config: &Config, error: &dyn std::fmt::Display) -> ConfigError {
    let path = config.edge.gateway_file.as_deref().map(std::path::Path::display);
    let path = path.map(|path| format!("`{path}`: ")).unwrap_or_default();
    ConfigError::new("edge.gateway_file", format!("{path}{error}"))
}

/// Checks a gateway file as `serve` would: what it declares in a few words, or its mistakes.
pub fn check_gateway(config: &Config, openapi: &OpenApi, text: &str) -> anyhow::Result<Result<Checked, Mistakes>> {
    let own = Own::new(&serde_json::to_value(openapi)?, config)?;
    let checked = File::parse(text).and_then(|file| {
        Template::new(config, &own, text, &file)?;
        Ok(Checked { summary: file.summary(), origins: file.origins().map(str::to_owned).collect() })
    });
    Ok(checked)
}

/// What a good gateway file declares.
pub struct Checked {
    /// In a few words.
    pub summary: String,
    /// Origins that the edges' manifest has to allow.
    pub origins: Vec<String>,
}

/// What others than edges may call.
pub fn api() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(purges::endpoint::purge))
}

/// The room's routes: for edges only, so not in the OpenAPI document.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/edge/v1/snapshot", get(publish::snapshot))
        .route(introspect::PATH, post(introspect::introspect))
}
