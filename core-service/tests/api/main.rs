//! The core's API, asked as an edge asks it: the whole router in process, over a database of the test's own.
//!
//! Needs a PostgreSQL whose superuser `BREAKWATER_TEST_POSTGRES` names; `cargo xtask test` starts one.
#![allow(clippy::unwrap_used, missing_docs)]

mod cast;
mod support;

mod access;
mod access_table;
mod access_tokens;
mod accounts;
mod api_keys;
mod asvs;
mod attacks;
mod audit;
mod audit_operations;
mod bodies;
mod browser_sessions;
mod bulk;
mod collections;
mod configuration;
mod document_lists;
mod documentation;
mod documents;
mod edge_gateway;
mod edge_issuers;
mod edge_link;
mod edge_news;
mod edge_purges;
mod edge_snapshot;
mod encryption;
mod faults;
mod files;
mod filter_model;
mod idempotency;
mod isolation;
mod json_patch;
mod keys;
mod log;
mod mail;
mod members;
mod metrics;
mod modelling;
mod named_tests;
mod outbox;
mod profile;
mod providers;
mod public;
mod reading;
mod refresh;
mod serving;
mod sessions;
mod sign_in;
mod workspaces;
