//! What browsers send, as their `toJSON()` writes it (WebAuthn section 5.1): bytes in base64url. They say more than we read.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::problem::{Problem, Result, kinds};

/// A new passkey: `RegistrationResponseJSON`.
#[derive(Deserialize, ToSchema)]
pub struct Registration {
    pub(super) response: AttestationResponse,
}

/// `AuthenticatorAttestationResponseJSON`.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AttestationResponse {
    #[serde(rename = "clientDataJSON")]
    #[schema(max_length = 8192)]
    pub(super) client_data: String,
    #[schema(max_length = 8192)]
    pub(super) authenticator_data: String,
}

/// A signature of a passkey: `AuthenticationResponseJSON`.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Assertion {
    #[schema(max_length = 2048)]
    pub(super) raw_id: String,
    pub(super) response: AssertionResponse,
}

/// `AuthenticatorAssertionResponseJSON`.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AssertionResponse {
    #[serde(rename = "clientDataJSON")]
    #[schema(max_length = 8192)]
    pub(super) client_data: String,
    #[schema(max_length = 8192)]
    pub(super) authenticator_data: String,
    #[schema(max_length = 2048)]
    pub(super) signature: String,
    /// Whose passkey it is, as registered.
    #[serde(default)]
    #[schema(max_length = 128)]
    pub(super) user_handle: Option<String>,
}

/// 401 for what is no base64url.
pub(super) fn bytes(text: &str) -> Result<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| refused())
}

/// 401: why is not told.
pub(super) fn refused() -> Problem {
    Problem::unauthorized(&kinds::INVALID_PASSKEY).detail("Ask for a new challenge and try again.")
}
