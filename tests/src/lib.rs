//! What the whole-system tests stand on: the product's own programs as processes, and servers to break.
//!
//! Programs come from the folder that the tests were built into, components from `target/components`,
//! shared servers from the environment that `cargo xtask test` sets.

#![allow(clippy::unwrap_used, missing_docs)]

pub mod api;
pub mod http;
pub mod postgres;
pub mod process;
pub mod redis;
pub mod soak;
pub mod system;
