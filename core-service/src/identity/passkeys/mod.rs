//! Passkeys: WebAuthn Level 3, without attestation.
//!
//! Rules: every ceremony demands that the authenticator verified its user (a finger, a PIN), so a passkey is two factors
//! in itself and signs in alone; a challenge is ours, good once and for five minutes; the origin is one that is
//! configured; what the browser says is checked as sections 7.1 and 7.2 of the specification have it ([`ceremony`]).

mod ceremony;
mod challenge;
mod cose;
mod credential;
pub(super) mod manage;
mod row;
pub(super) mod sign_in;

pub(super) use self::challenge::forget_old;
pub(super) use self::credential::Assertion;
pub(super) use self::manage::of_user;
pub(super) use self::row::Passkey;
pub(super) use self::sign_in::prove;
use crate::config::Config;

/// On whose behalf passkeys are made and asked for.
struct RelyingParty {
    /// The domain that they belong to.
    id: String,
    /// Where pages may use them.
    origins: Vec<String>,
}

impl RelyingParty {
    /// As configured: by default the app's domain and origin, or the edge's.
    fn of(config: &Config) -> Self {
        let identity = &config.identity;
        let app = config.mail.app_url.clone().or_else(|| url::Url::parse(&identity.issuer).ok());
        let host = app.as_ref().and_then(|url| url.host_str()).unwrap_or_default();
        let origins = match identity.passkey_origins.as_slice() {
            [] => app.iter().map(|url| url.origin().ascii_serialization()).collect(),
            origins => origins.to_vec(),
        };
        Self { id: identity.passkey_domain.clone().unwrap_or_else(|| host.to_owned()), origins }
    }
}
