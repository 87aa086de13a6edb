//! The pipeline with the real policies, and with policies that fail, between a played client and a played upstream.

#![allow(clippy::unwrap_used)]

mod support;

mod adapted;
mod answers;
mod caching;
mod faults;
mod order;
mod requests;
mod snapshots;
