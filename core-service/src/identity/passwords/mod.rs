//! Passwords: how they are hashed ([`Hasher`]), which are refused ([`policy`]), how strong one is ([`strength`]).
//!
//! Rules: 8 to 256 characters of any kind, and no rule about which; what everybody uses ([`common`]) or what was in a
//! breach ([`breached`]) is refused; the same characters in another Unicode form are the same password (NFKC).

mod breached;
mod common;
mod hasher;
pub(super) mod policy;
mod row;
pub(super) mod strength;

pub use self::breached::{Breached, build as build_breached};
pub use self::hasher::hashing_time;
pub(super) use self::hasher::{Fit, Hasher};
pub(super) use self::row::{find, lock, replace, strengthen};
