//! What the cache had to do with an answer: for `Cache-Status` (RFC 9211) and the log.

use std::fmt;

use breakwater_kit::types::Field;

/// What the cache had to do with an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheOutcome {
    /// `hit`, `stale` (a hit that is no longer fresh), `miss`, `validated`, `bypass` or `refused`.
    pub result: &'static str,
    /// Why the answer was not kept, or why a stale one was given: one of a fixed set of words (docs/caching.md).
    pub reason: Option<String>,
    /// Parameters for `Cache-Status` besides the reason.
    parameters: String,
}

impl CacheOutcome {
    /// Out of memory, with this many seconds of freshness left.
    pub(super) fn hit(ttl: i64, reason: Option<&str>) -> Self {
        let result = if ttl > 0 { "hit" } else { "stale" };
        Self { result, reason: reason.map(str::to_owned), parameters: format!("hit; ttl={ttl}") }
    }

    /// From the upstream (section 2.2).
    pub(super) fn forwarded(result: &'static str, why: &str) -> Self {
        Self { result, reason: None, parameters: format!("fwd={why}") }
    }

    /// The upstream confirmed what was stored.
    pub(super) fn validated(why: &str) -> Self {
        Self { result: "validated", reason: None, parameters: format!("fwd={why}; fwd-status=304; stored") }
    }

    /// The client wants what is stored or nothing.
    pub(super) fn refused() -> Self {
        Self { result: "refused", reason: Some("only-if-cached".to_owned()), parameters: "fwd=request".to_owned() }
    }

    /// Whether the answer is kept, or why not.
    pub(super) fn and(mut self, kept: Result<(), String>) -> Self {
        match kept {
            Ok(()) => self.parameters.push_str("; stored"),
            Err(reason) => self.reason = Some(reason),
        }
        self
    }

    /// The line that joins those of caches behind this one.
    pub(super) fn line(&self) -> Field {
        Field::new("cache-status", self.to_string())
    }
}

impl fmt::Display for CacheOutcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "breakwater; {}", self.parameters)?;
        match &self.reason {
            Some(reason) => write!(formatter, "; detail={reason}"),
            None => Ok(()),
        }
    }
}
