//! The core's API, asked as an edge asks it: the whole router in process, over a database of the test's own.
//!
//! Needs a PostgreSQL whose superuser `BREAKWATER_TEST_POSTGRES` names; `cargo xtask test` starts one.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

mod access_tokens;
mod bodies;
mod configuration;
mod documentation;
mod edge_link;
mod edge_snapshot;
mod faults;
mod idempotency;
mod keys;
mod profile;
mod refresh;
mod serving;
mod sessions;
mod sign_in;
