//! The records of the WIT interface `breakwater:edge/types`, once for policies, pipeline and shells.
//!
//! They mirror `wit/types.wit` field by field. Guests map the interface to this module, so a difference
//! does not compile; hosts lower and lift them directly (feature `wasmtime`), so a difference does not load.

#[cfg(feature = "wasmtime")]
use wasmtime::component::{ComponentType, Lift, Lower};

/// One header line.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "wasmtime", derive(ComponentType, Lift, Lower), component(record))]
pub struct Field {
    /// WIT `name`.
    pub name: String,
    /// WIT `value`.
    pub value: Vec<u8>,
}

/// A request without its body.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "wasmtime", derive(ComponentType, Lift, Lower), component(record))]
pub struct RequestHead {
    /// WIT `method`.
    pub method: String,
    /// `http` or `https`, as the client spoke to the edge.
    pub scheme: String,
    /// Host and port that the client asked for.
    pub authority: String,
    /// Percent-encoded, as received; begins with `/`.
    pub path: String,
    /// Without the `?`.
    pub query: Option<String>,
    /// WIT `headers`.
    pub headers: Vec<Field>,
    /// The address that the client came from, without its port.
    #[cfg_attr(feature = "wasmtime", component(name = "client-address"))]
    pub client_address: String,
}

/// What a client shows of itself: a request without what it asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "wasmtime", derive(ComponentType, Lift, Lower), component(record))]
pub struct Presented {
    /// The address that the client came from, without its port.
    #[cfg_attr(feature = "wasmtime", component(name = "client-address"))]
    pub client_address: String,
    /// Without the `?`; only shown to policies that look for credentials.
    pub query: Option<String>,
    /// What the request is for, as far as it matters to credentials that a browser sends by itself: only with cookies,
    /// and only shown to policies that look for credentials.
    pub site: Option<Site>,
    /// WIT `headers`.
    pub headers: Vec<Field>,
}

/// Which site a browser speaks to, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "wasmtime", derive(ComponentType, Lift, Lower), component(record))]
pub struct Site {
    /// WIT `method`.
    pub method: String,
    /// `http` or `https`, as the client spoke to the edge.
    pub scheme: String,
    /// Host and port that the client asked for.
    pub authority: String,
}

impl Site {
    /// Of a request, if it has cookies.
    pub fn of(request: &RequestHead) -> Option<Self> {
        let RequestHead { method, scheme, authority, headers, .. } = request;
        let site = || Self { method: method.clone(), scheme: scheme.clone(), authority: authority.clone() };
        crate::headers::has(headers, "cookie").then(site)
    }
}

/// A response without its body.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "wasmtime", derive(ComponentType, Lift, Lower), component(record))]
pub struct ResponseHead {
    /// WIT `status`.
    pub status: u16,
    /// WIT `headers`.
    pub headers: Vec<Field>,
}

/// A refusal, which the gateway renders as `application/problem+json` (RFC 9457).
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "wasmtime", derive(ComponentType, Lift, Lower), component(record))]
pub struct Problem {
    /// WIT `status`.
    pub status: u16,
    /// The last part of the problem's type, such as `rate-limited`.
    pub slug: String,
    /// WIT `title`.
    pub title: String,
    /// WIT `detail`.
    pub detail: String,
    /// Headers that go with the refusal, such as `allow` or `www-authenticate`.
    pub headers: Vec<Field>,
}

/// Who may use a route.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "wasmtime", derive(ComponentType, Lift, Lower), component(variant))]
pub enum Requirement {
    /// Credentials are not looked at.
    #[cfg_attr(feature = "wasmtime", component(name = "public"))]
    Public,
    /// Credentials are checked if there are any.
    #[cfg_attr(feature = "wasmtime", component(name = "optional"))]
    Optional,
    /// A caller with all of these scopes.
    #[cfg_attr(feature = "wasmtime", component(name = "required"))]
    Required(Vec<String>),
}

/// Who answers a route.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "wasmtime", derive(ComponentType, Lift, Lower), component(variant))]
pub enum Target {
    /// The upstream of this name.
    #[cfg_attr(feature = "wasmtime", component(name = "upstream"))]
    Upstream(String),
    /// The files of the policy `static-files`.
    #[cfg_attr(feature = "wasmtime", component(name = "static-files"))]
    StaticFiles,
    /// One of several upstreams.
    #[cfg_attr(feature = "wasmtime", component(name = "split"))]
    Split(Split),
    /// The gateway itself, with this head and no body: a redirect.
    #[cfg_attr(feature = "wasmtime", component(name = "answer"))]
    Answer(ResponseHead),
}

/// Upstreams that share a route, such as the old release and its canary.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "wasmtime", derive(ComponentType, Lift, Lower), component(record))]
pub struct Split {
    /// WIT `upstreams`.
    pub upstreams: Vec<Weighted>,
    /// Who meets the same upstream each time.
    pub sticky: Sticky,
}

/// An upstream and its part.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "wasmtime", derive(ComponentType, Lift, Lower), component(record))]
pub struct Weighted {
    /// WIT `upstream`.
    pub upstream: String,
    /// Its part of the sum of all weights.
    pub weight: u32,
}

/// Who meets the same upstream each time.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "wasmtime", derive(ComponentType, Lift, Lower), component(variant))]
pub enum Sticky {
    /// The same caller; without one, the same address.
    #[cfg_attr(feature = "wasmtime", component(name = "caller"))]
    Caller,
    /// The same address.
    #[cfg_attr(feature = "wasmtime", component(name = "address"))]
    Address,
    /// Who has this cookie, by its value; without it, the same address.
    #[cfg_attr(feature = "wasmtime", component(name = "cookie"))]
    Cookie(String),
    /// Nobody: every request is for itself.
    #[cfg_attr(feature = "wasmtime", component(name = "nobody"))]
    Nobody,
}

/// A change of one header.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "wasmtime", derive(ComponentType, Lift, Lower), component(variant))]
pub enum HeaderEdit {
    /// In place of all lines of that name.
    #[cfg_attr(feature = "wasmtime", component(name = "set"))]
    Set(Field),
    /// Besides the lines of that name.
    #[cfg_attr(feature = "wasmtime", component(name = "add"))]
    Add(Field),
    /// All lines of that name.
    #[cfg_attr(feature = "wasmtime", component(name = "remove"))]
    Remove(String),
}

/// A change of a JSON body. Places are JSON Pointers (RFC 6901) in which `*` stands for every member or element; values
/// are JSON. What is not there is not changed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "wasmtime", derive(ComponentType, Lift, Lower), component(variant))]
pub enum BodyEdit {
    /// Puts a value where there is none.
    #[cfg_attr(feature = "wasmtime", component(name = "add"))]
    Add((String, String)),
    /// Puts a value, whether there is one or not.
    #[cfg_attr(feature = "wasmtime", component(name = "set"))]
    Set((String, String)),
    /// Removes a value.
    #[cfg_attr(feature = "wasmtime", component(name = "remove"))]
    Remove(String),
    /// Gives a member another name in the same object.
    #[cfg_attr(feature = "wasmtime", component(name = "rename"))]
    Rename((String, String)),
    /// Replaces a value that is one of the first by its second.
    #[cfg_attr(feature = "wasmtime", component(name = "translate"))]
    Translate((String, Vec<(String, String)>)),
}

/// Which pages of other origins may read a route's answers (Fetch, section 3.2).
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "wasmtime", derive(ComponentType, Lift, Lower), component(record))]
pub struct CorsRule {
    /// As browsers send them; `*` is everyone, without credentials.
    pub origins: Vec<String>,
    /// What a page may use besides what every page may; empty is what the gateway allows everywhere.
    pub methods: Vec<String>,
    /// What a page may send besides what every page may; empty is what the gateway allows everywhere.
    pub headers: Vec<String>,
    /// What a page may read besides what every page may; empty is what the gateway allows everywhere.
    pub exposed: Vec<String>,
    /// Whether cookies and the like may come along.
    pub credentials: bool,
    /// Seconds that a browser may remember a preflight's answer.
    #[cfg_attr(feature = "wasmtime", component(name = "max-age"))]
    pub max_age: u32,
}

/// A second upstream that gets a copy of requests. Its answers are dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "wasmtime", derive(ComponentType, Lift, Lower), component(record))]
pub struct Mirror {
    /// WIT `upstream`.
    pub upstream: String,
    /// How many of 10,000 requests.
    pub share: u32,
}

/// What most routes do without.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "wasmtime", derive(ComponentType, Lift, Lower), component(record))]
pub struct Extras {
    /// WIT `request-headers`.
    #[cfg_attr(feature = "wasmtime", component(name = "request-headers"))]
    pub request_headers: Vec<HeaderEdit>,
    /// WIT `request-body`.
    #[cfg_attr(feature = "wasmtime", component(name = "request-body"))]
    pub request_body: Vec<BodyEdit>,
    /// Of what the route's target answers, not of refusals.
    #[cfg_attr(feature = "wasmtime", component(name = "response-headers"))]
    pub response_headers: Vec<HeaderEdit>,
    /// WIT `response-body`.
    #[cfg_attr(feature = "wasmtime", component(name = "response-body"))]
    pub response_body: Vec<BodyEdit>,
    /// For every answer, refusals too: `deprecation`, `sunset`.
    pub notices: Vec<Field>,
    /// The request headers that the choice of this route depended on, for `vary`.
    pub varies: Vec<String>,
    /// WIT `cors`.
    pub cors: Option<CorsRule>,
    /// WIT `mirror`.
    pub mirror: Option<Mirror>,
}

/// What the gateway is to do with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "wasmtime", derive(ComponentType, Lift, Lower), component(record))]
pub struct Route {
    /// Stable name of the route, for logs, metrics and cache keys.
    pub id: String,
    /// WIT `target`.
    pub target: Target,
    /// What the upstream is asked for: path and query.
    #[cfg_attr(feature = "wasmtime", component(name = "path-and-query"))]
    pub path_and_query: String,
    /// WIT `requirement`.
    pub requirement: Requirement,
    /// Names of the limits that apply, in order.
    pub limits: Vec<String>,
    /// Whether the cache policy is asked.
    pub cacheable: bool,
    /// Milliseconds to a connection with the upstream.
    #[cfg_attr(feature = "wasmtime", component(name = "connect-timeout"))]
    pub connect_timeout: u32,
    /// Milliseconds from the request's end to the response's head.
    #[cfg_attr(feature = "wasmtime", component(name = "response-timeout"))]
    pub response_timeout: u32,
    /// Milliseconds that either body may stand still.
    #[cfg_attr(feature = "wasmtime", component(name = "idle-timeout"))]
    pub idle_timeout: u32,
    /// Milliseconds for all tries together, up to the response's head; 0 is as long as they take.
    #[cfg_attr(feature = "wasmtime", component(name = "overall-timeout"))]
    pub overall_timeout: u32,
    /// How often an idempotent request is tried again on another connection.
    pub retries: u32,
    /// Whether a client may turn its connection into another protocol's, such as WebSocket's.
    pub upgrades: bool,
    /// Bytes of request body that are let through.
    #[cfg_attr(feature = "wasmtime", component(name = "max-body"))]
    pub max_body: u64,
    /// What most routes do without.
    pub extras: Option<Extras>,
}

/// WIT `route-decision`.
#[expect(clippy::large_enum_variant, reason = "it is made, read and gone at once")]
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "wasmtime", derive(ComponentType, Lift, Lower), component(variant))]
pub enum RouteDecision {
    /// WIT `forward`.
    #[cfg_attr(feature = "wasmtime", component(name = "forward"))]
    Forward(Route),
    /// WIT `refuse`.
    #[cfg_attr(feature = "wasmtime", component(name = "refuse"))]
    Refuse(Problem),
}

/// A certificate that the client showed when it connected, and that one of the edge's authorities signed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "wasmtime", derive(ComponentType, Lift, Lower), component(record))]
pub struct ClientCertificate {
    /// SHA-256 of the certificate, in lower-case hexadecimal.
    pub fingerprint: String,
    /// The subject, as RFC 4514 writes it.
    pub subject: String,
    /// Its alternative names (RFC 5280, section 4.2.1.6), each with its kind: `dns:`, `email:`, `ip:` or `uri:`.
    pub names: Vec<String>,
    /// WIT `expires-at`.
    #[cfg_attr(feature = "wasmtime", component(name = "expires-at"))]
    pub expires_at: u64,
}

/// A caller whose credentials were good.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "wasmtime", derive(ComponentType, Lift, Lower), component(record))]
pub struct Caller {
    /// WIT `issuer`.
    pub issuer: String,
    /// WIT `subject`.
    pub subject: String,
    /// WIT `session`.
    pub session: Option<String>,
    /// WIT `scopes`.
    pub scopes: Vec<String>,
    /// WIT `expires-at`.
    #[cfg_attr(feature = "wasmtime", component(name = "expires-at"))]
    pub expires_at: u64,
    /// What the caller has subscribed to; limits may depend on it.
    pub plan: Option<String>,
    /// The API key that was shown, by its name.
    pub key: Option<String>,
    /// What upstreams are told of the caller.
    pub headers: Vec<Field>,
}

/// A caller as limits count.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "wasmtime", derive(ComponentType, Lift, Lower), component(record))]
pub struct Subscriber {
    /// WIT `issuer`.
    pub issuer: String,
    /// WIT `subject`.
    pub subject: String,
    /// WIT `plan`.
    pub plan: Option<String>,
    /// WIT `key`.
    pub key: Option<String>,
}

impl From<&Caller> for Subscriber {
    fn from(caller: &Caller) -> Self {
        let Caller { issuer, subject, plan, key, .. } = caller.clone();
        Self { issuer, subject, plan, key }
    }
}

/// A question to an authorization server about a token that only it can read (RFC 7662).
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "wasmtime", derive(ComponentType, Lift, Lower), component(record))]
pub struct Introspection {
    /// Scheme, host and port; none is the core, which the edge signs its question for.
    pub origin: Option<String>,
    /// WIT `path-and-query`.
    #[cfg_attr(feature = "wasmtime", component(name = "path-and-query"))]
    pub path_and_query: String,
    /// WIT `headers`.
    pub headers: Vec<Field>,
    /// WIT `body`.
    pub body: Vec<u8>,
    /// Milliseconds for all of it.
    pub timeout: u32,
}

/// What the authorization server answered.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "wasmtime", derive(ComponentType, Lift, Lower), component(record))]
pub struct Opinion {
    /// WIT `status`.
    pub status: u16,
    /// WIT `body`.
    pub body: Vec<u8>,
}

/// WIT `verdict`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "wasmtime", derive(ComponentType, Lift, Lower), component(variant))]
pub enum Verdict {
    /// Nobody, and the route allows that.
    #[cfg_attr(feature = "wasmtime", component(name = "anonymous"))]
    Anonymous,
    /// WIT `known`.
    #[cfg_attr(feature = "wasmtime", component(name = "known"))]
    Known(Caller),
    /// WIT `refuse`.
    #[cfg_attr(feature = "wasmtime", component(name = "refuse"))]
    Refuse(Problem),
    /// The same, but only because this issuer's key is not known here; it may be new.
    #[cfg_attr(feature = "wasmtime", component(name = "unknown-key"))]
    UnknownKey((String, Problem)),
    /// Ask this, and then `introspected`.
    #[cfg_attr(feature = "wasmtime", component(name = "introspect"))]
    Introspect(Introspection),
}

/// An allowance that a request draws on: `limit` per `window`, after the generic cell rate
/// algorithm (ITU-T I.371), of which `burst` may come at once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "wasmtime", derive(ComponentType, Lift, Lower), component(record))]
pub struct Bucket {
    /// Where the state keeps it.
    pub key: String,
    /// Name of the limit it belongs to.
    pub name: String,
    /// WIT `limit`.
    pub limit: u64,
    /// Milliseconds.
    pub window: u64,
    /// WIT `burst`.
    pub burst: u64,
    /// WIT `cost`.
    pub cost: u64,
    /// How much an edge may take in stock, to answer the next requests without asking; 0 is nothing.
    pub batch: u64,
}

/// A place among so many requests at once.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "wasmtime", derive(ComponentType, Lift, Lower), component(record))]
pub struct Lease {
    /// Where the state keeps them.
    pub key: String,
    /// Name of the limit it belongs to.
    pub name: String,
    /// WIT `limit`.
    pub limit: u64,
    /// Milliseconds after which a place that was not given back is free again.
    pub ttl: u64,
}

/// What the state answered for one bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "wasmtime", derive(ComponentType, Lift, Lower), component(record))]
pub struct Allowance {
    /// WIT `allowed`.
    pub allowed: bool,
    /// How much is left now.
    pub remaining: u64,
    /// Milliseconds until the same cost is allowed; 0 if it was.
    #[cfg_attr(feature = "wasmtime", component(name = "retry-after"))]
    pub retry_after: u64,
    /// Milliseconds until the bucket is full again.
    #[cfg_attr(feature = "wasmtime", component(name = "reset-after"))]
    pub reset_after: u64,
}

/// WIT `draw-plan`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "wasmtime", derive(ComponentType, Lift, Lower), component(record))]
pub struct DrawPlan {
    /// Taken together: all of them, or none.
    pub buckets: Vec<Bucket>,
    /// Held until the answer has ended: all of them, or none.
    pub leases: Vec<Lease>,
    /// Whether to ask again when the caller is known.
    #[cfg_attr(feature = "wasmtime", component(name = "again-with-caller"))]
    pub again_with_caller: bool,
}

/// One bucket and what became of it; no allowance when the state was away.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "wasmtime", derive(ComponentType, Lift, Lower), component(record))]
pub struct Drawn {
    /// WIT `bucket`.
    pub bucket: Bucket,
    /// WIT `allowance`.
    pub allowance: Option<Allowance>,
}

/// One place and whether it was free; none when the state was away.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "wasmtime", derive(ComponentType, Lift, Lower), component(record))]
pub struct Leased {
    /// WIT `lease`.
    pub lease: Lease,
    /// WIT `granted`.
    pub granted: Option<bool>,
}

/// A response as the cache keeps it, without its body.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "wasmtime", derive(ComponentType, Lift, Lower), component(record))]
pub struct StoredHead {
    /// WIT `status`.
    pub status: u16,
    /// WIT `headers`.
    pub headers: Vec<Field>,
    /// When the request was sent (RFC 9111, section 4.2.3).
    #[cfg_attr(feature = "wasmtime", component(name = "requested-at"))]
    pub requested_at: u64,
    /// When the response came.
    #[cfg_attr(feature = "wasmtime", component(name = "received-at"))]
    pub received_at: u64,
    /// How far the purges had come when the request was sent.
    pub epoch: u64,
}

/// When a request was sent, and what was known then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "wasmtime", derive(ComponentType, Lift, Lower), component(record))]
pub struct Sent {
    /// Unix seconds.
    pub at: u64,
    /// How far the purges had come: `epoch` of the snapshot's section `caching`.
    pub epoch: u64,
}

/// What the cache has under a key.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "wasmtime", derive(ComponentType, Lift, Lower), component(variant))]
pub enum Stored {
    /// WIT `response`.
    #[cfg_attr(feature = "wasmtime", component(name = "response"))]
    Response(StoredHead),
    /// The responses vary by these request headers and have keys of their own.
    #[cfg_attr(feature = "wasmtime", component(name = "varies"))]
    Varies(Vec<String>),
}

/// WIT `cache-plan`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "wasmtime", derive(ComponentType, Lift, Lower), component(variant))]
pub enum CachePlan {
    /// The cache is left out, for this reason.
    #[cfg_attr(feature = "wasmtime", component(name = "bypass"))]
    Bypass(String),
    /// Ask the state for this key.
    #[cfg_attr(feature = "wasmtime", component(name = "look-up"))]
    LookUp(String),
}

/// Which part of a stored body an answer has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "wasmtime", derive(ComponentType, Lift, Lower), component(variant))]
pub enum BodyPart {
    /// All of it.
    #[cfg_attr(feature = "wasmtime", component(name = "whole"))]
    Whole,
    /// Nothing.
    #[cfg_attr(feature = "wasmtime", component(name = "none"))]
    None,
    /// From the first of these bytes to before the second.
    #[cfg_attr(feature = "wasmtime", component(name = "range"))]
    Range((u64, u64)),
}

/// An answer out of a stored response.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "wasmtime", derive(ComponentType, Lift, Lower), component(record))]
pub struct Hit {
    /// WIT `status`.
    pub status: u16,
    /// Headers that take the place of the stored ones with these names.
    pub set: Vec<Field>,
    /// Names of stored headers that are left out.
    pub drop: Vec<String>,
    /// WIT `part`.
    pub part: BodyPart,
    /// Seconds that the response is fresh for; negative when it is stale.
    pub ttl: i64,
}

/// What the upstream is asked about a stored response.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "wasmtime", derive(ComponentType, Lift, Lower), component(record))]
pub struct Question {
    /// Headers that join the request's own. None if the response has no validator.
    pub conditions: Vec<Field>,
    /// Why it is asked, as RFC 9211 calls it: `stale` or `request`.
    pub reason: String,
    /// Whether the answer may do for others who ask the same meanwhile.
    pub shared: bool,
}

/// A stale answer for now, and the question that renews it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "wasmtime", derive(ComponentType, Lift, Lower), component(record))]
pub struct Renewal {
    /// The answer.
    pub hit: Hit,
    /// Asked when the client has its answer.
    pub conditions: Vec<Field>,
}

/// WIT `cache-use`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "wasmtime", derive(ComponentType, Lift, Lower), component(variant))]
pub enum CacheUse {
    /// Answer with it.
    #[cfg_attr(feature = "wasmtime", component(name = "hit"))]
    Hit(Hit),
    /// Answer with it, and ask the upstream afterwards (RFC 5861, section 3).
    #[cfg_attr(feature = "wasmtime", component(name = "renew"))]
    Renew(Renewal),
    /// Ask the upstream first, and `update` on a 304.
    #[cfg_attr(feature = "wasmtime", component(name = "validate"))]
    Validate(Question),
    /// Ask the state for this key instead.
    #[cfg_attr(feature = "wasmtime", component(name = "other"))]
    Other(String),
    /// Nothing usable.
    #[cfg_attr(feature = "wasmtime", component(name = "miss"))]
    Miss,
    /// Nothing usable, and the client wants nothing else: `only-if-cached`.
    #[cfg_attr(feature = "wasmtime", component(name = "refuse"))]
    Refuse(Problem),
}

/// WIT `kept`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "wasmtime", derive(ComponentType, Lift, Lower), component(record))]
pub struct Kept {
    /// WIT `key`.
    pub key: String,
    /// WIT `head`.
    pub head: StoredHead,
    /// Seconds that the state keeps it: freshness and the time that it can still be validated.
    #[cfg_attr(feature = "wasmtime", component(name = "keep-for"))]
    pub keep_for: u64,
    /// A `varies` entry to set as well: its key and the header names.
    pub varies: Option<(String, Vec<String>)>,
}

/// A response that is not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "wasmtime", derive(ComponentType, Lift, Lower), component(record))]
pub struct Passed {
    /// Why.
    pub reason: String,
    /// Seconds for which requests need not wait for each other here, because the next response will not be kept either.
    #[cfg_attr(feature = "wasmtime", component(name = "remember-for"))]
    pub remember_for: u64,
}

/// WIT `cache-keep`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "wasmtime", derive(ComponentType, Lift, Lower), component(variant))]
pub enum CacheKeep {
    /// Not kept.
    #[cfg_attr(feature = "wasmtime", component(name = "pass"))]
    Pass(Passed),
    /// WIT `keep`.
    #[cfg_attr(feature = "wasmtime", component(name = "keep"))]
    Keep(Kept),
}

/// A file, whole.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "wasmtime", derive(ComponentType, Lift, Lower), component(record))]
pub struct File {
    /// WIT `head`.
    pub head: ResponseHead,
    /// WIT `body`.
    pub body: Vec<u8>,
}
