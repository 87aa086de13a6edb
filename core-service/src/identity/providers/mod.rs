//! Signing in with other providers: OpenID Connect, and GitHub's OAuth 2.
//!
//! Rules: whom a provider knows somebody as is said by issuer and subject alone; an address links to an account only if the
//! provider's word for it is taken **and** the account has verified it, so that neither a careless provider nor a
//! stranger's registration takes over anybody's account ([`sign_in`]); every flow has a state that is good once, a nonce and a
//! PKCE challenge (RFC 7636), belongs to the browser that began it, and comes back to a path of its provider's own, so that
//! no provider can pass another's answer for its own ([`callback`]; RFC 9700 section 4.4); pages to come back to are
//! listed; second factors are demanded as after a password. docs/security/sign-in.md tells the whole.

mod begin;
mod callback;
mod flow;
mod github;
mod id_token;
mod linked;
pub(super) mod manage;
mod metadata;
mod oidc;
mod sign_in;
mod ticket;
mod web;

use std::sync::Arc;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) use self::linked::{LinkedIdentity, of_user};
use self::metadata::Known;
use crate::app::AppState;
use crate::config::{IdentityConfig, ProviderConfig, ProviderKind};
use crate::problem::{Problem, Result};
use crate::vault::Vault;

/// The providers that are configured.
pub(super) struct Providers {
    all: Vec<Arc<Provider>>,
    client: reqwest::Client,
    /// What nonces and verifiers are derived with.
    key: [u8; 32],
}

/// One of them.
struct Provider {
    config: ProviderConfig,
    known: tokio::sync::Mutex<Option<Arc<Known>>>,
}

/// What a provider says of somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Told {
    issuer: String,
    subject: String,
    /// Normalised.
    email: Option<String>,
    /// Whether the provider's word for the address is taken.
    email_vouched: bool,
    name: Option<String>,
}

impl Providers {
    pub(super) fn new(config: &IdentityConfig, vault: &Vault) -> anyhow::Result<Self> {
        let provider = |config: &ProviderConfig| Arc::new(Provider { config: config.clone(), known: <_>::default() });
        let all = config.providers.iter().map(provider).collect();
        Ok(Self { all, client: web::client()?, key: vault.derive("provider-flow") })
    }

    /// The provider of this name; 404 if there is none.
    fn named(&self, name: &str) -> Result<Arc<Provider>> {
        self.all.iter().find(|provider| provider.config.name == name).cloned().ok_or_else(Problem::not_found)
    }

    /// The names of all.
    pub(super) fn names(&self) -> Vec<String> {
        self.all.iter().map(|provider| provider.config.name.clone()).collect()
    }
}

impl Provider {
    fn is_github(&self) -> bool {
        self.config.kind == ProviderKind::Github
    }

    /// Where it sends people back to. Every provider has a path of its own.
    fn redirect_uri(&self, app: &AppState) -> String {
        let edge = app.config.identity.issuer.trim_end_matches('/');
        format!("{edge}/api/v1/auth/providers/{}/callback", self.config.name)
    }
}

/// The room's routes.
pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(begin::list))
        .routes(routes!(begin::begin))
        .routes(routes!(callback::callback))
        .routes(routes!(sign_in::sign_in))
        .routes(routes!(manage::list, manage::begin))
        .routes(routes!(manage::confirm))
        .routes(routes!(manage::remove))
}

/// Forgets what is over.
pub(super) async fn forget_old(connection: &mut sqlx::PgConnection) -> std::result::Result<(), sqlx::Error> {
    flow::forget_old(&mut *connection).await?;
    ticket::forget_old(connection).await
}
