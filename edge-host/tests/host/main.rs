//! edge-host as a process, with the real policy components, between real clients and a core that is played.
//!
//! Every test starts its own edge on a port of its own. The components come from `cargo xtask build components`; the
//! Redis that some tests need comes from `cargo xtask test`.

#![allow(clippy::unwrap_used)]

mod support;

mod cache;
mod certificates;
mod compression;
mod endpoints;
mod hostile;
mod http2_limits;
mod limits;
mod link;
mod metrics;
mod protocols;
mod reload;
mod shutdown;
mod smuggling;
mod snapshots;
mod state;
mod streaming;
mod upstreams;
mod websocket;
