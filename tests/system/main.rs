//! The whole system, tested from outside, under both shells of the edge.

#![allow(clippy::unwrap_used, missing_docs)]

mod accounts;
mod api_keys;
mod at_once;
mod browser;
mod cases;
mod collapsing;
mod components;
mod conformance;
mod declared;
mod events;
mod faults;
mod files;
mod fixture;
mod four_edges;
mod guides;
mod providers;
mod public;
mod purges;
mod revocation;
mod soak;
mod spin;
mod state;
mod traces;
mod two_edges;
