//! The whole system, tested from outside, under both shells of the edge.

#![allow(clippy::unwrap_used, missing_docs)]

mod cases;
mod components;
mod faults;
mod fixture;
mod four_edges;
mod revocation;
mod spin;
mod state;
mod two_edges;
