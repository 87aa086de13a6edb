//! What every implementation of the port `state` agrees on, so that edges of both kinds share one Redis.

/// Goes before every key, because the Redis may not be ours alone.
pub const KEY_PREFIX: &str = "breakwater:edge:";

/// Bytes of one value, beyond which the answer is `too-large`. A cached response is an object of at most
/// `caching.max_object_bytes` (1 MiB by default) and its head.
pub const MAX_VALUE: usize = 4 * 1024 * 1024;

/// How long Redis may take before the state counts as away, in milliseconds.
pub const PATIENCE: u64 = 500;

/// `take` as a Redis script: a key per bucket, then limit, window, burst and cost of each; the answer
/// holds four integers per bucket, the fields of an `allowance` in their order.
pub const TAKE: &str = include_str!("state/take.lua");

/// `increment` as a Redis script: the key, then by how much and the time to live in milliseconds.
pub const INCREMENT: &str = include_str!("state/increment.lua");

/// `lease` as a Redis script: a key per lease, then the holder, then limit and time to live of each; the answer holds
/// 1 or 0 per lease. `release` is `ZREM` of the holder from each key.
pub const LEASE: &str = include_str!("state/lease.lua");
