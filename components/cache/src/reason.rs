//! Why the cache is left out or a response is not kept: fixed words, for metrics and `Cache-Status`.

/// There is no configuration yet.
pub const NOT_CONFIGURED: &str = "not-configured";
/// Only GET and HEAD are looked up, only GET is kept.
pub const METHOD: &str = "method";
/// The response is for one caller, who is known by something else than `Authorization`.
pub const CALLER: &str = "caller";
/// The client wants nothing stored (section 5.2.1.5).
pub const REQUEST_NO_STORE: &str = "request-no-store";
/// A part of a representation (section 3.3): parts are cut from whole responses, not put together.
pub const PARTIAL: &str = "partial";
/// The client states preconditions that only the origin can judge (section 4.3.2).
pub const PRECONDITION: &str = "precondition";
/// The client wants another protocol.
pub const UPGRADE: &str = "upgrade";
/// The request has a body.
pub const BODY: &str = "body";
/// A status that may not be kept, or that says nothing about its freshness (section 3).
pub const STATUS: &str = "status";
/// Section 5.2.2.5.
pub const NO_STORE: &str = "no-store";
/// Section 5.2.2.7.
pub const PRIVATE: &str = "private";
/// Section 3.5.
pub const AUTHORIZATION: &str = "authorization";
/// A response that sets cookies and does not say itself for how long it is fresh (section 7.3).
pub const SET_COOKIE: &str = "set-cookie";
/// `Vary: *`, or one that is too long or no text (section 4.1).
pub const VARY: &str = "vary";
/// Larger than the configuration allows.
pub const TOO_LARGE: &str = "too-large";
/// Neither fresh for a while nor possible to validate.
pub const NOT_REUSABLE: &str = "not-reusable";
/// A 304 about another response than the stored one (section 4.3.4).
pub const OTHER_VALIDATOR: &str = "other-validator";
/// A personal response, made under other permissions than the edge knows of.
pub const PERMISSIONS: &str = "permissions";
