//! The port `state` over Redis, for Spin: `spin:redis` with the two scripts that `breakwater-kit` keeps for
//! every shell.
//!
//! An operation takes half a second at the most. One that fails forgets its connection, so that the next
//! operation opens another; nothing is tried twice, because an allowance would be taken twice.

#[cfg(any(target_family = "wasm", clippy, test))]
mod address;
#[cfg(any(target_family = "wasm", clippy, test))]
mod answer;
// Its export names are no symbols for native linkers.
#[cfg(any(target_family = "wasm", clippy))]
mod guest;
#[cfg(any(target_family = "wasm", clippy))]
mod redis;
#[cfg(any(target_family = "wasm", clippy))]
mod take;
