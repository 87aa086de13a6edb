//! What has to be true of a registration (WebAuthn section 7.1) and of an assertion (section 7.2). Steps are named by
//! what they check; those that are the browser's or an attestation's are not here.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::RelyingParty;
use super::cose::Key;

/// What the browser did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ceremony {
    Create,
    Get,
}

/// Section 5.8.1. What else may be in it is ignored, as the specification asks.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClientData {
    r#type: String,
    challenge: String,
    origin: String,
    #[serde(default)]
    cross_origin: bool,
}

/// The challenge that the browser was given, if it did what was asked on one of our pages.
pub(super) fn challenge(party: &RelyingParty, ceremony: Ceremony, client_data: &[u8]) -> Option<Vec<u8>> {
    let data: ClientData = serde_json::from_slice(client_data).ok()?;
    let kind = match ceremony {
        Ceremony::Create => "webauthn.create",
        Ceremony::Get => "webauthn.get",
    };
    // No page of ours frames another of ours that uses passkeys.
    let ours = party.origins.contains(&data.origin) && !data.cross_origin;
    if data.r#type == kind && ours { URL_SAFE_NO_PAD.decode(data.challenge).ok() } else { None }
}

/// Section 6.1: authenticator data.
#[derive(Debug)]
pub(super) struct AuthenticatorData<'a> {
    domain_hash: &'a [u8],
    flags: u8,
    pub(super) sign_count: u32,
    attested: &'a [u8],
}

const USER_PRESENT: u8 = 1;
const USER_VERIFIED: u8 = 1 << 2;
const BACKUP_ELIGIBLE: u8 = 1 << 3;
const BACKED_UP: u8 = 1 << 4;
const ATTESTED: u8 = 1 << 6;

/// A new credential (section 6.5.2).
#[derive(Debug)]
pub(super) struct NewCredential<'a> {
    pub(super) id: &'a [u8],
    pub(super) key: &'a [u8],
}

impl<'a> AuthenticatorData<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let (domain_hash, rest) = bytes.split_at_checked(32)?;
        let (&flags, rest) = rest.split_first()?;
        let (count, attested) = rest.split_first_chunk::<4>()?;
        Some(Self { domain_hash, flags, sign_count: u32::from_be_bytes(*count), attested })
    }

    /// Whether it is about us, and the authenticator saw and knew its user.
    pub(super) fn is_good(&self, party: &RelyingParty) -> bool {
        let has = |flag| self.flags & flag != 0;
        self.domain_hash == &Sha256::digest(&party.id)[..]
            && has(USER_PRESENT)
            && has(USER_VERIFIED)
            && (has(BACKUP_ELIGIBLE) || !has(BACKED_UP))
    }

    /// The credential that was made, if its key is of a kind that we asked for.
    pub(super) fn new_credential(&self) -> Option<NewCredential<'a>> {
        if self.flags & ATTESTED == 0 {
            return None;
        }
        // After the model's id, which we do not look at.
        let (length, rest) = self.attested.get(16..)?.split_first_chunk::<2>()?;
        let (id, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        let (_, length) = Key::read(rest)?;
        Some(NewCredential { id, key: rest.get(..length)? }).filter(|new| (1..=1023).contains(&new.id.len()))
    }
}

/// Whether `key`, and nothing else, signed this (section 7.2, step 21).
pub(super) fn is_signed(key: &[u8], authenticator_data: &[u8], client_data: &[u8], signature: &[u8]) -> bool {
    let message = [authenticator_data, &Sha256::digest(client_data)].concat();
    Key::read(key).is_some_and(|(read, length)| length == key.len() && read.verifies(&message, signature))
}

#[cfg(test)]
mod tests;
