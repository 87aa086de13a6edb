//! What the policies share: the records that cross the WIT boundary, and small readers of HTTP.

pub mod state;
pub mod types;
