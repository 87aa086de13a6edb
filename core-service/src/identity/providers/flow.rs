//! Flows: who was sent to a provider and is not back yet.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::identity::opaque::Opaque;
use crate::vault::mac;

/// As long as somebody may take to sign in at the provider.
pub(super) const LIFE: Duration = Duration::from_secs(900);

/// What belongs to one flow alone. Nonce and verifier are derived from the state, so that the database holds nothing that
/// could be used.
pub(super) struct Secrets {
    pub(super) state: String,
    pub(super) nonce: String,
    pub(super) verifier: String,
}

/// A flow that came back.
pub(super) struct Flow {
    pub(super) return_to: String,
    pub(super) user: Option<Uuid>,
}

/// A flow to be.
pub(super) struct NewFlow<'a> {
    pub(super) provider: &'a str,
    pub(super) return_to: &'a str,
    pub(super) user: Option<Uuid>,
}

impl Secrets {
    pub(super) fn of(key: &[u8; 32], state: &str) -> Self {
        let derive = |purpose: &[u8]| URL_SAFE_NO_PAD.encode(mac(key, &[purpose, state.as_bytes()]));
        Self { state: state.to_owned(), nonce: derive(b"nonce"), verifier: derive(b"verifier") }
    }

    /// RFC 7636 section 4.2.
    pub(super) fn challenge(&self) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(&self.verifier))
    }
}

/// Keeps a flow under its state, for the browser with this cookie.
pub(super) async fn keep(
    connection: &mut PgConnection,
    state: &Opaque,
    browser: &Opaque,
    new: NewFlow<'_>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO provider_flows (state, browser, provider, return_to, user_id, expires_at)
         VALUES ($1, $2, $3, $4, $5, now() + make_interval(secs => $6))",
        &state.hash()[..],
        &browser.hash()[..],
        new.provider,
        new.return_to,
        new.user,
        LIFE.as_secs_f64()
    )
    .execute(connection)
    .await
    .map(drop)
}

/// Uses a flow up that this browser began at this provider.
pub(super) async fn take(
    connection: &mut PgConnection,
    state: &Opaque,
    browser: &Opaque,
    provider: &str,
) -> Result<Option<Flow>, sqlx::Error> {
    sqlx::query_as!(
        Flow,
        "DELETE FROM provider_flows WHERE state = $1 AND browser = $2 AND provider = $3 AND expires_at > now()
         RETURNING return_to, user_id AS user",
        &state.hash()[..],
        &browser.hash()[..],
        provider
    )
    .fetch_optional(connection)
    .await
}

pub(super) async fn forget_old(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM provider_flows WHERE expires_at < now()").execute(connection).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_belongs_to_a_flow_belongs_to_no_other() {
        let of = |key: u8, state: &str| Secrets::of(&[key; 32], state);
        assert_eq!(of(1, "a").verifier, of(1, "a").verifier);
        assert_ne!(of(1, "a").verifier, of(1, "b").verifier);
        assert_ne!(of(1, "a").verifier, of(2, "a").verifier);
        assert_ne!(of(1, "a").verifier, of(1, "a").nonce);
        // RFC 7636 section 4.1: 43 to 128 characters.
        assert_eq!(of(1, "a").verifier.len(), 43);
    }

    #[test]
    fn the_challenge_of_rfc_7636_appendix_b() {
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".to_owned();
        let secrets = Secrets { verifier, ..Secrets::of(&[1; 32], "a") };
        assert_eq!(secrets.challenge(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }
}
