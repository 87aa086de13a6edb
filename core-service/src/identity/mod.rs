//! Who is calling: users, passwords, sessions, access and refresh tokens, signing keys.
//!
//! Rules: an access token lives minutes and is verified without asking the database ([`live`]); a refresh token is
//! used once, and using an older one again ends its session ([`refresh`]); passwords are argon2id ([`password`]);
//! nothing at sign-in tells whether an e-mail address is known.

mod access_token;
mod caller;
mod directory;
mod jwks;
mod keys;
mod live;
mod login;
mod logout;
mod me;
mod password;
mod refresh;
mod refresh_token;
mod register;
mod session;
mod sessions;
mod tokens;
mod upkeep;
mod user;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use self::caller::Caller;
pub use self::directory::{by_email, by_ids};
use self::live::LiveCell;
pub use self::live::{Live, Revoked};
use self::password::Hasher;
pub use self::upkeep::{rotate_keys, upkeep};
pub use self::user::User;
use crate::app::AppState;
use crate::config::IdentityConfig;
use crate::vault::Vault;

/// Identity's part of the state.
pub struct Identity {
    hasher: Hasher,
    live: LiveCell,
    /// What refresh tokens are derived with.
    refresh_key: [u8; 32],
}

impl Identity {
    /// Derives what it needs.
    pub fn new(config: &IdentityConfig, vault: &Vault) -> anyhow::Result<Self> {
        Ok(Self {
            hasher: Hasher::new(config.hashing_threads, config.hashing_queue)?,
            live: LiveCell::default(),
            refresh_key: vault.derive("refresh-token"),
        })
    }
}

/// The room's routes.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(register::register))
        .routes(routes!(login::login))
        .routes(routes!(refresh::refresh))
        .routes(routes!(logout::logout))
        .routes(routes!(sessions::list))
        .routes(routes!(sessions::end))
        .routes(routes!(me::get, me::patch))
        .routes(routes!(jwks::jwks))
}
