//! What the pipeline asks of the policies.
//!
//! The methods mirror the WIT interfaces one to one. Under edge-host they call components; in tests they are plain
//! structs.

use breakwater_kit::types::{
    CacheKeep, CachePlan, CacheUse, Caller, ClientCertificate, DrawPlan, Drawn, Field, File, Hit, Leased, Opinion,
    Problem, RequestHead, Requirement, ResponseHead, RouteDecision, Sent, Stored, StoredHead, Verdict,
};

/// A policy failed to answer: it trapped, took too long, or took too much memory.
///
/// Policies are sandboxed and replaceable, so this is a thing that happens, not a bug of the pipeline's. The text is
/// for the log; clients never see it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the policy failed: {0}")]
pub struct Fault(pub String);

/// The part of the snapshot that one policy is configured with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Section {
    /// `routing`, for the policy `routing`.
    Routing,
    /// `rate_limiting`, for the policy `rate-limiting`.
    RateLimiting,
    /// `authentication`, for the policy `authentication`.
    Authentication,
    /// `caching`, for the policy `caching`.
    Caching,
    /// `static_files`, for the policy `static-files`.
    StaticFiles,
}

impl Section {
    /// All of them, in the order in which they are configured.
    pub const ALL: [Self; 5] =
        [Self::Routing, Self::RateLimiting, Self::Authentication, Self::Caching, Self::StaticFiles];

    /// The section's name in the snapshot.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Routing => "routing",
            Self::RateLimiting => "rate_limiting",
            Self::Authentication => "authentication",
            Self::Caching => "caching",
            Self::StaticFiles => "static_files",
        }
    }
}

/// Which request headers a policy is shown: those that it named when it was configured, and no others. What it does not
/// read, such as credentials in a router, it cannot leak either, and need not be copied for it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reads {
    all: bool,
    names: Vec<String>,
}

impl Reads {
    /// What `configure` answered: lower-case names, or `*` for all.
    pub fn new(names: Vec<String>) -> Self {
        Self { all: names.iter().any(|name| name == "*"), names }
    }

    /// The lines that the policy is shown.
    pub fn of<'a>(&self, headers: &'a [Field]) -> impl Iterator<Item = &'a Field> {
        headers.iter().filter(|field| self.all || self.names.contains(&field.name))
    }

    /// Whether the policy is shown every header.
    pub fn is_all(&self) -> bool {
        self.all
    }
}

/// The five policies, as the shell reaches them.
pub trait Policies {
    /// Hands a policy its section of the snapshot. The inner error is the policy's own: it refused the section and goes
    /// on with what it had.
    fn configure(&mut self, section: Section, json: &[u8]) -> Result<Result<(), String>, Fault>;

    /// `routing.route`
    fn route(&mut self, request: &RequestHead) -> Result<RouteDecision, Fault>;

    /// `rate-limiting.draw`
    fn draw(
        &mut self,
        request: &RequestHead,
        route: &str,
        limits: &[String],
        caller: Option<&Caller>,
    ) -> Result<DrawPlan, Fault>;

    /// `rate-limiting.judge`
    fn judge_limits(&mut self, drawn: &[Drawn], leased: &[Leased]) -> Result<Option<Problem>, Fault>;

    /// `authentication.authenticate`
    fn authenticate(
        &mut self,
        request: &RequestHead,
        requirement: &Requirement,
        certificate: Option<&ClientCertificate>,
        now: u64,
    ) -> Result<Verdict, Fault>;

    /// `authentication.introspected`
    fn introspected(
        &mut self,
        request: &RequestHead,
        requirement: &Requirement,
        answer: Option<&Opinion>,
        now: u64,
    ) -> Result<Verdict, Fault>;

    /// `caching.plan`
    fn plan_cache(&mut self, request: &RequestHead, caller: Option<&Caller>) -> Result<CachePlan, Fault>;

    /// `caching.judge`
    fn judge_stored(
        &mut self,
        request: &RequestHead,
        caller: Option<&Caller>,
        key: &str,
        stored: Option<&Stored>,
        length: u64,
        now: u64,
    ) -> Result<CacheUse, Fault>;

    /// `caching.keep`
    fn keep(
        &mut self,
        request: &RequestHead,
        caller: Option<&Caller>,
        response: &ResponseHead,
        sent: Sent,
        now: u64,
    ) -> Result<CacheKeep, Fault>;

    /// `caching.update`
    fn update(
        &mut self,
        request: &RequestHead,
        caller: Option<&Caller>,
        stored: &StoredHead,
        answer: &ResponseHead,
        sent: Sent,
        now: u64,
    ) -> Result<CacheKeep, Fault>;

    /// `caching.rescue`
    fn rescue(
        &mut self,
        request: &RequestHead,
        stored: &StoredHead,
        length: u64,
        status: Option<u16>,
        now: u64,
    ) -> Result<Option<Hit>, Fault>;

    /// `caching.invalidate`
    fn invalidate(&mut self, request: &RequestHead, response: &ResponseHead) -> Result<Vec<String>, Fault>;

    /// `static-files.find`
    fn find_file(&mut self, request: &RequestHead) -> Result<File, Fault>;
}
