//! A shell without a network: it carries out effects in memory and writes down what happened.

use std::collections::HashMap;
use std::sync::Arc;

use breakwater_kit::gcra;
use breakwater_kit::types::*;
use breakwater_pipeline::*;
use bytes::Bytes;
use serde_json::{Value, json};

pub const NOW: u64 = 1_790_000_000;
pub const KEY: &str = "k1.AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

/// The real policies; they write down who was asked, and fail where a test wants it.
#[derive(Default)]
pub struct Real {
    router: breakwater_router::Router,
    rate_limiter: breakwater_rate_limit::RateLimiter,
    authenticator: breakwater_auth::Authenticator,
    cache: breakwater_cache::Cache,
    assets: breakwater_assets::Assets,
    /// Instead of what the authenticator says.
    pub caller: Option<Caller>,
    pub failing: Option<&'static str>,
    pub log: Vec<String>,
    reads: [Reads; 5],
}

impl Real {
    /// The request as shells show it to a policy.
    fn shown(&self, section: Section, request: &RequestHead) -> RequestHead {
        let headers = self.reads[section as usize].of(&request.headers).cloned().collect();
        RequestHead { headers, ..request.clone() }
    }

    /// The client as shells show it to a policy.
    fn presented(&self, section: Section, request: &RequestHead) -> Presented {
        let headers = self.reads[section as usize].of(&request.headers).cloned().collect();
        Presented {
            client_address: request.client_address.clone(),
            query: request.query.clone(),
            site: Site::of(request),
            headers,
        }
    }

    fn asked(&mut self, name: &'static str) -> Result<(), Fault> {
        self.log.push(name.to_owned());
        if self.failing == Some(name) { Err(Fault(format!("{name} trapped"))) } else { Ok(()) }
    }
}

impl Policies for Real {
    fn configure(&mut self, section: Section, json: &[u8]) -> Result<Result<(), String>, Fault> {
        if self.failing == Some(section.name()) {
            return Err(Fault("trapped".to_owned()));
        }
        let (verdict, names) = match section {
            Section::Routing => (self.router.configure(json), self.router.reads()),
            Section::RateLimiting => (self.rate_limiter.configure(json), self.rate_limiter.reads()),
            Section::Authentication => (self.authenticator.configure(json), self.authenticator.reads()),
            Section::Caching => (self.cache.configure(json), self.cache.reads()),
            Section::StaticFiles => (self.assets.configure(json), self.assets.reads()),
        };
        self.reads[section as usize] = Reads::new(names);
        Ok(verdict)
    }

    fn route(&mut self, request: &RequestHead) -> Result<RouteDecision, Fault> {
        let shown = self.shown(Section::Routing, request);
        self.asked("route")?;
        Ok(self.router.route(&shown))
    }

    fn draw(
        &mut self,
        request: &RequestHead,
        route: &str,
        limits: &[String],
        caller: Option<&Caller>,
    ) -> Result<DrawPlan, Fault> {
        let shown = self.presented(Section::RateLimiting, request);
        self.asked(if caller.is_some() { "draw-caller" } else { "draw" })?;
        Ok(self.rate_limiter.draw(&shown, route, limits, caller.map(Subscriber::from).as_ref()))
    }

    fn judge_limits(&mut self, drawn: &[Drawn], leased: &[Leased]) -> Result<Option<Problem>, Fault> {
        self.asked("judge-limits")?;
        Ok(self.rate_limiter.judge(drawn, leased))
    }

    fn authenticate(
        &mut self,
        request: &RequestHead,
        requirement: &Requirement,
        certificate: Option<&ClientCertificate>,
        now: u64,
    ) -> Result<Verdict, Fault> {
        let shown = self.presented(Section::Authentication, request);
        self.asked("authenticate")?;
        match &self.caller {
            Some(caller) => Ok(Verdict::Known(caller.clone())),
            None => Ok(self.authenticator.authenticate(&shown, requirement, certificate, now)),
        }
    }

    fn introspected(
        &mut self,
        request: &RequestHead,
        requirement: &Requirement,
        answer: Option<&Opinion>,
        now: u64,
    ) -> Result<Verdict, Fault> {
        let shown = self.presented(Section::Authentication, request);
        self.asked("introspected")?;
        Ok(self.authenticator.introspected(&shown, requirement, answer, now))
    }

    fn plan_cache(&mut self, request: &RequestHead, caller: Option<&Caller>) -> Result<CachePlan, Fault> {
        let shown = self.shown(Section::Caching, request);
        self.asked("plan-cache")?;
        Ok(self.cache.plan(&shown, caller))
    }

    fn judge_stored(
        &mut self,
        request: &RequestHead,
        caller: Option<&Caller>,
        key: &str,
        stored: Option<&Stored>,
        length: u64,
        now: u64,
    ) -> Result<CacheUse, Fault> {
        let shown = self.shown(Section::Caching, request);
        self.asked("judge-stored")?;
        Ok(self.cache.judge(&shown, caller, key, stored, length, now))
    }

    fn keep(
        &mut self,
        request: &RequestHead,
        caller: Option<&Caller>,
        response: &ResponseHead,
        sent: Sent,
        now: u64,
    ) -> Result<CacheKeep, Fault> {
        let shown = self.shown(Section::Caching, request);
        self.asked("keep")?;
        Ok(self.cache.keep(&shown, caller, response, sent, now))
    }

    fn update(
        &mut self,
        request: &RequestHead,
        caller: Option<&Caller>,
        stored: &StoredHead,
        answer: &ResponseHead,
        sent: Sent,
        now: u64,
    ) -> Result<CacheKeep, Fault> {
        let shown = self.shown(Section::Caching, request);
        self.asked("update")?;
        Ok(self.cache.update(&shown, caller, stored, answer, sent, now))
    }

    fn rescue(
        &mut self,
        request: &RequestHead,
        stored: &StoredHead,
        length: u64,
        status: Option<u16>,
        now: u64,
    ) -> Result<Option<Hit>, Fault> {
        let shown = self.shown(Section::Caching, request);
        self.asked("rescue")?;
        Ok(self.cache.rescue(&shown, stored, length, status, now))
    }

    fn invalidate(&mut self, request: &RequestHead, response: &ResponseHead) -> Result<Vec<String>, Fault> {
        let shown = self.shown(Section::Caching, request);
        self.asked("invalidate")?;
        Ok(self.cache.invalidate(&shown, response))
    }

    fn find_file(&mut self, request: &RequestHead) -> Result<File, Fault> {
        let shown = self.shown(Section::StaticFiles, request);
        self.asked("find-file")?;
        Ok(self.assets.find(&shown))
    }
}

/// What the upstream answers.
pub type Upstream = Box<dyn FnMut(&Forward) -> Result<(ResponseHead, Bytes), Failure>>;

/// An edge without a network.
pub struct Shell {
    pub policies: Real,
    pub gateway: Arc<Gateway>,
    pub now: u64,
    pub state_is_away: bool,
    pub upstream: Upstream,
    pub forwarded: Vec<Forward>,
    /// What the authorization server answers.
    pub introspected: Option<Opinion>,
    /// Whether there is a place among those at once.
    pub places_free: bool,
    /// What the client sends.
    pub body: Bytes,
    stored: HashMap<String, Bytes>,
    arrivals: HashMap<String, u64>,
}

/// What the client got.
pub struct Got {
    pub status: u16,
    pub headers: Vec<Field>,
    pub body: Bytes,
    pub fault: Option<Fault>,
}

impl Got {
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut all = self.headers.iter().filter(|field| field.name == name);
        let first = all.next()?;
        assert!(all.next().is_none() || name == "vary", "{name} twice");
        Some(std::str::from_utf8(&first.value).unwrap())
    }

    /// The last part of the problem's type.
    pub fn slug(&self) -> String {
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        let problem: Value = serde_json::from_slice(&self.body).unwrap();
        assert_eq!(problem["status"], self.status);
        assert_eq!(problem["request_id"], self.header("x-request-id").unwrap());
        problem["type"].as_str().unwrap().strip_prefix("urn:breakwater:problem:").unwrap().to_owned()
    }
}

pub fn fields(lines: &[(&str, &str)]) -> Vec<Field> {
    lines.iter().map(|(name, value)| Field::new(*name, *value)).collect()
}

pub fn request(method: &str, path: &str, lines: &[(&str, &str)]) -> RequestHead {
    RequestHead {
        method: method.to_owned(),
        scheme: "http".to_owned(),
        authority: "app.example".to_owned(),
        path: path.to_owned(),
        query: None,
        headers: fields(lines),
        client_address: "192.0.2.7".to_owned(),
    }
}

pub fn caller() -> Caller {
    Caller {
        issuer: "https://issuer.example".to_owned(),
        subject: "somebody".to_owned(),
        expires_at: NOW + 300,
        ..Caller::default()
    }
}

impl Shell {
    /// With the usual snapshot, and an upstream that says `hello`.
    pub fn new() -> Self {
        let mut shell = Self::empty();
        let snapshot = Snapshot::parse(document("1").to_string().as_bytes()).unwrap();
        apply(&mut shell.policies, &snapshot, None).unwrap();
        shell.gateway = shell.gateway.with_settings(snapshot.settings);
        shell
    }

    /// Before its first snapshot.
    pub fn empty() -> Self {
        let keys = EdgeKeys::parse(KEY).unwrap();
        Self {
            policies: Real::default(),
            gateway: Arc::new(Gateway { keys, ..Gateway::default() }),
            now: NOW,
            state_is_away: false,
            upstream: Box::new(|_| Ok((ResponseHead { status: 200, headers: Vec::new() }, "hello".into()))),
            forwarded: Vec::new(),
            introspected: None,
            places_free: true,
            body: Bytes::new(),
            stored: HashMap::new(),
            arrivals: HashMap::new(),
        }
    }

    /// An upstream that always answers so.
    pub fn answers(&mut self, status: u16, lines: &'static [(&str, &str)], body: &'static str) {
        self.upstream = Box::new(move |_| Ok((ResponseHead { status, headers: fields(lines) }, body.into())));
    }

    pub fn get(&mut self, path: &str) -> Got {
        self.send(request("GET", path, &[]))
    }

    /// Carries out effects until there is an answer.
    pub fn send(&mut self, request: RequestHead) -> Got {
        let head_only = request.method == "HEAD";
        let mut exchange = Exchange::new(self.gateway.clone(), request, &Seed([7; 34]), self.now * 1000);
        let mut came = Bytes::new();
        let mut effect = exchange.start(&mut self.policies, self.now);
        let answer = loop {
            effect = match effect {
                Effect::Take(buckets) => {
                    let names: Vec<_> = buckets.iter().map(|bucket| bucket.name.as_str()).collect();
                    self.policies.log.push(format!("=> take {}", names.join(" ")));
                    let allowances = (!self.state_is_away).then(|| self.take(&buckets));
                    exchange.taken(&mut self.policies, allowances, self.now)
                }
                Effect::Introspect(question) => {
                    let signed = question.headers.iter().any(|field| field.name == "breakwater-edge");
                    let whom =
                        question.origin.as_deref().unwrap_or(if signed { "the core signed" } else { "the core" });
                    self.policies.log.push(format!("=> introspect {whom}"));
                    exchange.introspected(&mut self.policies, self.introspected.clone(), self.now)
                }
                Effect::Lease(leases, _) => {
                    let names: Vec<_> = leases.iter().map(|lease| lease.name.as_str()).collect();
                    self.policies.log.push(format!("=> lease {}", names.join(" ")));
                    let granted = (!self.state_is_away).then(|| vec![self.places_free; leases.len()]);
                    exchange.leased(&mut self.policies, granted, self.now)
                }
                Effect::Get(key) => {
                    self.policies.log.push("=> get".to_owned());
                    let value = self.stored.get(&key).filter(|_| !self.state_is_away).cloned();
                    exchange.got(&mut self.policies, value, self.now)
                }
                Effect::ReadBody { max_bytes, .. } => {
                    self.policies.log.push("=> read body".to_owned());
                    let fits = self.body.len() as u64 <= max_bytes;
                    let read = if fits { Ok(self.body.clone()) } else { Err(Failure::BodyTooLarge) };
                    exchange.body_read(read, self.now)
                }
                Effect::ReadAnswer { max_bytes } => {
                    self.policies.log.push("=> read answer".to_owned());
                    let fits = came.len() as u64 <= max_bytes;
                    let read = if fits { Ok(came.clone()) } else { Err(Failure::BadAnswer) };
                    exchange.answer_read(read)
                }
                Effect::Collapse(_) => {
                    self.policies.log.push("=> collapse".to_owned());
                    exchange.turned(Turn::Lead, self.now)
                }
                Effect::Forward(forward) => {
                    self.policies.log.push(format!("=> forward {}", forward.upstream));
                    let answer = (self.upstream)(&forward).map(|(head, body)| {
                        came = body;
                        head
                    });
                    self.forwarded.push(forward);
                    exchange.answered(&mut self.policies, answer, self.now)
                }
                Effect::Respond(answer) => break answer,
            };
        };
        let body = match answer.body {
            Body::Empty | Body::Tunnel => Bytes::new(),
            Body::Whole(bytes) => bytes,
            Body::Upstream(keep) => {
                let kept = keep.filter(|keep| came.len() as u64 <= keep.max_bytes);
                self.keep(kept.map(|keep| keep.entries(&came)).unwrap_or_default());
                if head_only { Bytes::new() } else { came }
            }
        };
        self.keep(answer.set);
        Got { status: answer.head.status, headers: answer.head.headers, body, fault: exchange.fault().cloned() }
    }

    fn keep(&mut self, entries: Vec<Entry>) {
        for entry in entries {
            assert!(entry.ttl > 0);
            self.stored.insert(entry.key, entry.value);
        }
    }

    /// Puts garbage in the place of everything that is stored.
    pub fn spoil(&mut self) {
        for value in self.stored.values_mut() {
            *value = Bytes::from_static(b"\x01r\x00garbage");
        }
    }

    fn take(&mut self, buckets: &[Bucket]) -> Vec<Allowance> {
        let mut arrivals: Vec<u64> =
            buckets.iter().map(|bucket| self.arrivals.get(&bucket.key).copied().unwrap_or(0)).collect();
        let allowances = gcra::take(buckets, &mut arrivals, self.now * 1_000_000);
        self.arrivals.extend(buckets.iter().map(|bucket| bucket.key.clone()).zip(arrivals));
        allowances
    }

    /// What happened since this was asked last.
    pub fn happened(&mut self) -> String {
        std::mem::take(&mut self.policies.log).join(", ")
    }
}

/// A snapshot with a route for everything that the tests do.
pub fn document(version: &str) -> Value {
    let route = |id: &str, path: &str, target: Value, mode: &str, limits: Value, cacheable: bool| {
        json!({
            "id": id, "methods": ["GET", "POST", "PUT"], "path": path, "target": target,
            "authentication": {"mode": mode, "scopes": []}, "limits": limits, "cacheable": cacheable,
            "timeouts": {"connect_ms": 1, "response_ms": 2, "idle_ms": 3}, "retries": 2, "max_body_bytes": 100
        })
    };
    let core = || json!({"upstream": "core"});
    let limit = |name: &str, by: &str, away: &str| json!({"name": name, "by": by, "quota": 60, "window_seconds": 60, "burst": 2, "cost": 1, "when_state_is_away": away});
    json!({
        "schema": "breakwater-edge-snapshot/1",
        "version": version,
        "upstreams": {"core": {}, "other": {"origin": "https://other.example"}},
        "gateway": {"cors": {"allowed_origins": ["https://app.example"], "max_age_seconds": 600}, "retry_after_seconds": 7},
        "routing": {"routes": [
            route("plain", "/plain", core(), "public", json!([]), false),
            route("other", "/other", json!({"upstream": "other"}), "public", json!([]), false),
            route("nowhere", "/nowhere", json!({"upstream": "nowhere"}), "public", json!([]), false),
            route("private", "/private", core(), "required", json!(["address", "caller"]), false),
            route("limited", "/limited", core(), "public", json!(["address"]), false),
            route("closed", "/closed", core(), "public", json!(["closed"]), false),
            route("busy", "/busy", core(), "public", json!(["address", "busy"]), false),
            route("cached", "/cached", core(), "public", json!([]), true),
            route("files", "/{*rest}", json!({"static_files": true}), "public", json!(["address"]), false),
        ]},
        "rate_limiting": {"limits": [
            limit("address", "address", "open"), limit("caller", "caller", "open"), limit("closed", "address", "closed"),
            {"name": "busy", "by": "address", "concurrent": 1},
        ]},
        "authentication": {
            "leeway_seconds": 60, "issuers": [], "revoked_sessions": [], "claim_headers": {"X-User": "sub"},
            "own_keys": {
                "prefix": "bwk_", "issuer": "https://core.example", "path": "/edge/v1/introspect", "cache_seconds": 30,
            },
            "introspection": {
                "issuer": "https://as.example", "endpoint": "https://as.example/introspect", "client_id": "edge",
                "client_secret": "secret",
            },
        },
        "caching": {"generation": 1, "max_object_bytes": 1000},
        "static_files": {}
    })
}
