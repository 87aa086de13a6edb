//! What the policies share: the records that cross the WIT boundary, and small readers of HTTP.
//!
//! A helper lives here when at least two of policies, pipeline and shells use it.

pub mod entity_tag;
pub mod gcra;
pub mod headers;
pub mod network;
pub mod path;
pub mod problems;
pub mod state;
pub mod stock;
pub mod types;
