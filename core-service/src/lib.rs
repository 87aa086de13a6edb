//! The core of Breakwater: business logic, PostgreSQL and integrations behind the edge.
//!
//! One folder per business capability, each with `routes()`; beside them the platform they stand on: [`config`],
//! [`database`], [`http`], [`problem`], [`vault`]. [`app`] puts them together.

pub mod access;
pub mod app;
pub mod audit;
pub mod config;
pub mod database;
pub mod documents;
pub mod edge;
pub mod events;
pub mod files;
mod hex;
pub mod http;
pub mod identity;
pub mod mail;
pub mod operations;
pub mod problem;
pub mod search;
pub mod vault;
pub mod workspaces;
