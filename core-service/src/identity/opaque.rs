//! Tokens that name something in the database and say nothing: 256 bits, stored as SHA-256.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::vault::random;

/// A token, in the clear.
pub(crate) struct Opaque([u8; 32]);

impl Opaque {
    pub(crate) fn new() -> Result<Self, getrandom::Error> {
        random().map(Self)
    }

    pub(crate) fn of(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Reads what a client sent.
    pub(crate) fn read(text: &str) -> Option<Self> {
        URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(Self)
    }

    /// What the client gets.
    pub(crate) fn text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// What is stored.
    pub(crate) fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0).into()
    }
}
