//! Who is calling: users, passwords, sessions, access and refresh tokens, API keys, signing keys.
//!
//! Rules: an access token lives minutes and is verified without asking the database ([`live`]); a refresh token is
//! used once, and using an older one again ends its session ([`refresh`]); passwords are argon2id ([`password`]);
//! nothing at sign-in tells whether an e-mail address is known, nor at registration where addresses have to be verified
//! first, nor when a reset is asked for: a worker finds out, and tells by mail ([`registration`], [`password_reset`]); those who have a second
//! factor are asked for it, whichever way they come ([`mfa`]); an account always has a way to sign in ([`ways_in`]);
//! support acts in somebody's name only where a workspace lets it ([`support`]).

mod access_token;
mod account;
pub(crate) mod api_keys;
pub(crate) mod browser;
mod caller;
mod code;
pub(crate) mod cookies;
mod device;
mod directory;
mod email_change;
mod guesses;
mod invitee;
mod jwks;
mod keys;
pub(crate) mod letters;
mod live;
mod login;
mod logout;
mod mailed_code;
mod me;
mod mfa;
mod opaque;
mod passkeys;
mod password_change;
mod password_reset;
pub mod passwords;
mod providers;
mod refresh;
mod refresh_token;
mod register;
mod registration;
mod service_user;
pub(crate) mod session;
mod sessions;
mod sign_in;
mod step_up;
mod support;
mod tokens;
mod upkeep;
mod user;
mod verify_email;
mod ways_in;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use self::caller::{Caller, Credential, UserSession};
pub(crate) use self::code::Code;
pub use self::directory::{by_email, by_ids};
pub(crate) use self::invitee::Invitee;
pub(crate) use self::keys::reseal as reseal_signing_keys;
use self::live::LiveCell;
pub use self::live::{Live, Revoked};
pub(crate) use self::mfa::reseal as reseal_second_factors;
pub(crate) use self::opaque::Opaque;
use self::passwords::{Breached, Hasher};
use self::providers::Providers;
pub(crate) use self::service_user::{delete_service_user, new_service_user};
pub(crate) use self::step_up::require as require_step_up;
pub use self::support::{appoint as appoint_support, dismiss as dismiss_support};
pub use self::upkeep::{rotate_keys, upkeep};
pub use self::user::{User, normalised};
use crate::app::AppState;
use crate::config::IdentityConfig;
use crate::events::Handler;
use crate::vault::Vault;

/// Identity's part of the state.
pub struct Identity {
    hasher: Hasher,
    breached: Option<Breached>,
    live: LiveCell,
    /// What refresh tokens are derived with.
    refresh_key: [u8; 32],
    /// What the tokens are made with that requests with cookies have to show.
    csrf_key: [u8; 32],
    /// What the names of buckets of guesses are made with.
    guess_key: [u8; 32],
    /// Who else may say who somebody is.
    providers: Providers,
}

impl Identity {
    /// Derives what it needs.
    pub fn new(config: &IdentityConfig, vault: &Vault) -> anyhow::Result<Self> {
        Ok(Self {
            hasher: Hasher::new(config)?,
            breached: config.breached_passwords.as_deref().map(Breached::open).transpose()?,
            live: LiveCell::default(),
            refresh_key: vault.derive("refresh-token"),
            csrf_key: vault.derive("csrf-token"),
            guess_key: vault.derive("guesses"),
            providers: Providers::new(config, vault)?,
        })
    }

    /// How many passwords are hashed now, and how many wait for it.
    pub fn hashing(&self) -> (usize, usize) {
        self.hasher.load()
    }
}

/// The room's routes.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(register::register))
        .routes(routes!(verify_email::verify))
        .routes(routes!(passwords::strength::rate))
        .routes(routes!(login::login))
        .routes(routes!(refresh::refresh))
        .routes(routes!(logout::logout))
        .routes(routes!(mfa::answer::answer))
        .routes(routes!(mfa::answer::mail_code))
        .routes(routes!(passkeys::sign_in::options))
        .routes(routes!(passkeys::sign_in::sign_in))
        .routes(routes!(sessions::list, sessions::end_others))
        .routes(routes!(sessions::end))
        .routes(routes!(step_up::prove))
        .routes(routes!(step_up::mail_code))
        .routes(routes!(password_reset::ask))
        .routes(routes!(password_reset::confirm))
        .routes(routes!(email_change::confirm))
        .routes(routes!(me::get, me::patch, account::delete))
        .routes(routes!(account::export))
        .routes(routes!(verify_email::resend))
        .routes(routes!(password_change::change))
        .routes(routes!(email_change::change))
        .routes(routes!(mfa::enrol::get))
        .routes(routes!(mfa::enrol::begin_totp, mfa::enrol::remove_totp))
        .routes(routes!(mfa::enrol::confirm_totp))
        .routes(routes!(mfa::enrol::add_email, mfa::enrol::remove_email))
        .routes(routes!(mfa::enrol::renew_recovery))
        .routes(routes!(passkeys::manage::options))
        .routes(routes!(passkeys::manage::list, passkeys::manage::add))
        .routes(routes!(passkeys::manage::remove))
        .routes(routes!(api_keys::own::list, api_keys::own::create))
        .routes(routes!(api_keys::own::end))
        .routes(routes!(api_keys::own::rotate))
        .routes(routes!(mfa::devices::list))
        .routes(routes!(mfa::devices::remove))
        .merge(providers::routes())
        .routes(routes!(jwks::jwks))
        .merge(support::routes())
}

/// Who finds out what a request must not tell.
pub fn handlers() -> Vec<Handler> {
    vec![
        Handler::new(registration::QUEUE, registration::answer),
        Handler::new(password_reset::QUEUE, password_reset::answer),
        Handler::new(email_change::QUEUE, email_change::answer),
    ]
}
