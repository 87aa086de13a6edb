//! Refresh tokens are derived, not drawn.
//!
//! A token is HMAC(server's secret, session's seed, generation). So the server can make the same successor again
//! for a client whose answer got lost or which raced itself, without ever storing a token that can be used; who
//! reads only the database, or knows only the secret, can make none. See docs/decisions.

use uuid::Uuid;

use super::opaque::Opaque;
use crate::vault::mac;

/// The token of `session` in `generation`.
pub(super) fn derive(key: &[u8; 32], session: Uuid, seed: &[u8], generation: i32) -> Opaque {
    Opaque::of(mac(key, &[session.as_bytes(), seed, &generation.to_be_bytes()]))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_generation_has_one_token_and_no_two_are_alike() {
        let session = Uuid::from_u128(1);
        let token = |key: u8, seed: u8, generation| derive(&[key; 32], session, &[seed; 32], generation).text();
        assert_eq!(token(1, 1, 1), token(1, 1, 1));
        assert_ne!(token(1, 1, 1), token(1, 1, 2));
        assert_ne!(token(1, 1, 1), token(1, 2, 1));
        assert_ne!(token(1, 1, 1), token(2, 1, 1));
        assert_eq!(Opaque::read(&token(1, 1, 1)).unwrap().text(), token(1, 1, 1));
        assert!(Opaque::read("short").is_none());
    }
}
