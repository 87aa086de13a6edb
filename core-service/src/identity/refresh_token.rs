//! Refresh tokens: 256 bits that look random, stored as SHA-256.
//!
//! A token is HMAC(server's secret, session's seed, generation). So the server can make the same successor again
//! for a client whose answer got lost or which raced itself, without ever storing a token that can be used; who
//! reads only the database, or knows only the secret, can make none. See docs/decisions.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::vault::mac;

/// A refresh token, in the clear.
pub(super) struct RefreshToken([u8; 32]);

impl RefreshToken {
    /// The token of `session` in `generation`.
    pub(super) fn derive(key: &[u8; 32], session: Uuid, seed: &[u8], generation: i32) -> Self {
        Self(mac(key, &[session.as_bytes(), seed, &generation.to_be_bytes()]))
    }

    /// Reads what a client sent.
    pub(super) fn read(text: &str) -> Option<Self> {
        URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(Self)
    }

    /// What the client gets.
    pub(super) fn text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// What is stored.
    pub(super) fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0).into()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_generation_has_one_token_and_no_two_are_alike() {
        let session = Uuid::from_u128(1);
        let token =
            |key: u8, seed: u8, generation| RefreshToken::derive(&[key; 32], session, &[seed; 32], generation).text();
        assert_eq!(token(1, 1, 1), token(1, 1, 1));
        assert_ne!(token(1, 1, 1), token(1, 1, 2));
        assert_ne!(token(1, 1, 1), token(1, 2, 1));
        assert_ne!(token(1, 1, 1), token(2, 1, 1));
        assert_eq!(RefreshToken::read(&token(1, 1, 1)).unwrap().text(), token(1, 1, 1));
        assert!(RefreshToken::read("short").is_none());
    }
}
