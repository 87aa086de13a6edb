//! Who is calling: users, passwords, sessions, access and refresh tokens, signing keys.

mod caller;

use utoipa_axum::router::OpenApiRouter;

pub use self::caller::Caller;
use crate::app::AppState;
use crate::config::IdentityConfig;
use crate::vault::Vault;

/// Identity's part of the state.
pub struct Identity;

impl Identity {
    /// Derives what it needs.
    pub fn new(_config: &IdentityConfig, _vault: &Vault) -> anyhow::Result<Self> {
        Ok(Self)
    }
}

/// The room's routes.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
}
