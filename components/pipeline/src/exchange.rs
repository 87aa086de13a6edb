//! One request, from its head to its answer: **the order in which the policies are asked stands here.**
//!
//! ```text
//! the head itself, the edge's own answers, preflights
//!   → router → rate-limit (address) ⇢ take → auth (⇢ introspect → auth) → rate-limit (caller) ⇢ take
//!   ⇢ lease (→ rate-limit (verdict) if not all is allowed)
//!   → static files, a redirect, or: cache (plan) ⇢ get → cache (judge) ⇢ collapse ⇢ body → forward ⇢ upstream
//!   → cache (keep) ⇢ body
//!   → answer
//! ```
//!
//! `→` happens at once, `⇢` is an effect that the shell carries out. Each method below is the way from one effect to
//! the next. The address's allowance is drawn before credentials are looked at, because checking a signature is the
//! dearest thing that a stranger can ask for. Bodies are read only where a route changes them; the cache keeps what the
//! upstream said, before the route's changes.

mod adapted;
mod cache;
mod forward;
mod outcome;
mod renewal;
mod upgrade;

use std::sync::Arc;

use breakwater_kit::problems;
use breakwater_kit::types::{
    Allowance, Bucket, Caller, ClientCertificate, Drawn, Field, Introspection, Lease, Leased, Opinion, Problem,
    RequestHead, Requirement, ResponseHead, Route, RouteDecision, Target, Verdict,
};
use bytes::Bytes;

use crate::answer::{self, Asked};
use crate::coding::Wanted;
use crate::cors::{self, Origin};
use crate::effect::{Answer, Body, Effect, Entry, Failure, Keep, Renewal, Turn};
use crate::gateway::Gateway;
use crate::handshake::{self, Handshake};
use crate::ids::{self, Seed};
use crate::link::Signed;
use crate::policies::{Fault, Policies};
use crate::{admission, headers, limits, own, problem, split};

pub use outcome::CacheOutcome;
pub use upgrade::Standing;

/// One request on its way through the pipeline.
pub struct Exchange {
    gateway: Arc<Gateway>,
    request: RequestHead,
    request_id: String,
    traceparent: String,
    /// Whether it is the client's.
    continues: bool,
    /// The client's span, once the edge has one of its own.
    parent_span: Option<String>,
    origin: Origin,
    route: Option<Route>,
    certificate: Option<ClientCertificate>,
    caller: Option<Caller>,
    /// Whether the caller is known by something that caches behind us do not take for credentials.
    unmarked: bool,
    unknown_key: Option<String>,
    drawn: Vec<Drawn>,
    /// What the request has to have a place in, and then whether it has.
    wanted: Vec<Lease>,
    leased: Vec<Leased>,
    /// Names this request among the holders of places. Not the request id, which a client may choose.
    holder: Seed,
    cache: cache::Lookup,
    /// What the client wants of codings, where the shell can make them.
    wanted_coding: Option<Wanted>,
    /// Whether the shell can carry a tunnel.
    tunnels: bool,
    /// The handshake, if the request asks for a WebSocket and may have one.
    handshake: Option<Handshake>,
    /// The client's body, where it had to be read.
    body: Option<Bytes>,
    /// Whether the route's own changes are still to be made to an answer.
    adapts: bool,
    /// What has to be set in the state, with the answer.
    set: Vec<Entry>,
    /// What renews the stale response that is answered with.
    renewal: Option<Box<Renewal>>,
    waiting: Waiting,
    /// Which part of the edge has the word.
    stage: &'static str,
    refused: bool,
    fault: Option<Fault>,
}

/// Which effect's result the exchange waits for.
enum Waiting {
    Start,
    Address { buckets: Vec<Bucket>, again_with_caller: bool },
    Introspection { again_with_caller: bool },
    Caller { buckets: Vec<Bucket> },
    Lease,
    State,
    Body,
    Turn,
    Upstream,
    Answer(Box<(ResponseHead, Option<Keep>)>),
    Nothing,
}

/// Where the way goes on.
enum Next {
    Do(Effect),
    Answer(ResponseHead, Body),
}

/// Why the way ends in a refusal.
enum Stop {
    Refuse(Problem),
    Fault(Fault),
    /// The shell gave a result that nobody waited for.
    OutOfStep,
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<Problem> for Stop {
    fn from(problem: Problem) -> Self {
        Self::Refuse(problem)
    }
}

type Step = Result<Next, Stop>;

impl Exchange {
    /// A request as it came, its headers untouched but for lower-case names.
    pub fn new(gateway: Arc<Gateway>, mut request: RequestHead, seed: &Seed, now_ms: u64) -> Self {
        gateway.proxies.resolve(&mut request);
        let origin = Origin::of(&request, gateway.settings.as_ref());
        let request_id = ids::request_id(&request.headers, seed, now_ms);
        let (traceparent, kept) = ids::traceparent(&request.headers, seed);
        if !kept {
            // W3C Trace Context, section 3.3: state without a parent means nothing.
            headers::remove(&mut request.headers, "tracestate");
        }
        Self {
            gateway,
            request,
            request_id,
            traceparent,
            continues: kept,
            parent_span: None,
            origin,
            route: None,
            certificate: None,
            caller: None,
            unmarked: false,
            unknown_key: None,
            drawn: Vec::new(),
            wanted: Vec::new(),
            leased: Vec::new(),
            holder: *seed,
            cache: cache::Lookup::new(seed),
            wanted_coding: None,
            tunnels: false,
            handshake: None,
            body: None,
            adapts: false,
            set: Vec::new(),
            renewal: None,
            waiting: Waiting::Start,
            stage: "request",
            refused: false,
            fault: None,
        }
    }

    /// The certificate that the client connected with. The shell has seen that a trusted authority signed it.
    #[must_use]
    pub fn with_certificate(mut self, certificate: Option<ClientCertificate>) -> Self {
        self.certificate = certificate;
        self
    }

    /// The shell can compress bodies on their way. Called after [`with_certificate`](Self::with_certificate).
    #[must_use]
    pub fn with_codings(mut self) -> Self {
        self.wanted_coding = Some(Wanted::of(&self.request, self.certificate.as_ref()));
        self
    }

    /// The shell tells a collector of requests, and of this one if it is `chosen`: what is forwarded names the edge's
    /// span, and whether the core is to tell of its own.
    #[must_use]
    pub fn with_tracing(mut self, chosen: bool) -> Self {
        self.parent_span = ids::own_span(&mut self.traceparent, self.continues, chosen, &self.holder);
        self
    }

    /// The first step. `now` is Unix seconds, here and in every other step.
    pub fn start<P: Policies>(&mut self, policies: &mut P, now: u64) -> Effect {
        let step = match self.wait_for_nothing() {
            Waiting::Start => self.admit(policies, now),
            _ => Err(Stop::OutOfStep),
        };
        self.conclude(step)
    }

    /// After [`Effect::Take`]: one allowance per bucket, in order; none if the state was away.
    pub fn taken<P: Policies>(&mut self, policies: &mut P, allowances: Option<Vec<Allowance>>, now: u64) -> Effect {
        let step = match self.wait_for_nothing() {
            Waiting::Address { buckets, again_with_caller } => self
                .settle(policies, buckets, allowances)
                .and_then(|()| self.identify(policies, again_with_caller, now)),
            Waiting::Caller { buckets } => {
                self.settle(policies, buckets, allowances).and_then(|()| self.hold(policies, now))
            }
            _ => Err(Stop::OutOfStep),
        };
        self.conclude(step)
    }

    /// After [`Effect::Introspect`]: what the authorization server answered; none if nothing came in time.
    pub fn introspected<P: Policies>(&mut self, policies: &mut P, answer: Option<Opinion>, now: u64) -> Effect {
        let step = match self.wait_for_nothing() {
            Waiting::Introspection { again_with_caller } => {
                self.identify_opaque(policies, answer.as_ref(), again_with_caller, now)
            }
            _ => Err(Stop::OutOfStep),
        };
        self.conclude(step)
    }

    /// After [`Effect::Lease`]: which places were free; none if the state was away.
    pub fn leased<P: Policies>(&mut self, policies: &mut P, granted: Option<Vec<bool>>, now: u64) -> Effect {
        let step = match self.wait_for_nothing() {
            Waiting::Lease => {
                let mut granted = granted.filter(|given| given.len() == self.wanted.len()).into_iter().flatten();
                let wanted = self.wanted.drain(..);
                self.leased = wanted.map(|lease| Leased { lease, granted: granted.next() }).collect();
                self.stage = "rate-limiting";
                self.judge_limits(policies).and_then(|()| self.serve(policies, now))
            }
            _ => Err(Stop::OutOfStep),
        };
        self.conclude(step)
    }

    /// After [`Effect::Get`]: what the state has; none if it has nothing or was away.
    pub fn got<P: Policies>(&mut self, policies: &mut P, value: Option<Bytes>, now: u64) -> Effect {
        let step = match self.wait_for_nothing() {
            Waiting::State => self.found(policies, value, now),
            _ => Err(Stop::OutOfStep),
        };
        self.conclude(step)
    }

    /// After [`Effect::Collapse`]: whose turn it is.
    pub fn turned(&mut self, turn: Turn, now: u64) -> Effect {
        let step = match self.wait_for_nothing() {
            Waiting::Turn => self.take_turn(turn, now),
            _ => Err(Stop::OutOfStep),
        };
        self.conclude(step)
    }

    /// After [`Effect::Forward`]: the head of the upstream's answer, or why there is none.
    pub fn answered<P: Policies>(
        &mut self,
        policies: &mut P,
        answer: Result<ResponseHead, Failure>,
        now: u64,
    ) -> Effect {
        let step = match self.wait_for_nothing() {
            Waiting::Upstream => self.upstream_answered(policies, answer, now),
            _ => Err(Stop::OutOfStep),
        };
        self.conclude(step)
    }

    /// After [`Effect::ReadBody`]: the client's body, or why it did not come whole.
    pub fn body_read(&mut self, body: Result<Bytes, Failure>, now: u64) -> Effect {
        let step = match self.wait_for_nothing() {
            Waiting::Body => self.forward_read(body, now),
            _ => Err(Stop::OutOfStep),
        };
        self.conclude(step)
    }

    /// After [`Effect::ReadAnswer`]: the body of the upstream's answer, or why it did not come whole.
    pub fn answer_read(&mut self, body: Result<Bytes, Failure>) -> Effect {
        let step = match self.wait_for_nothing() {
            Waiting::Answer(answer) => self.answer_with(answer.0, answer.1, body),
            _ => Err(Stop::OutOfStep),
        };
        self.conclude(step)
    }

    /// The head itself, what the edge answers by itself, and the router.
    fn admit<P: Policies>(&mut self, policies: &mut P, now: u64) -> Step {
        admission::admit(&self.request, &self.gateway.limits)?;
        let settings = self.gateway.settings.as_ref();
        if let Some(own) = own::answer(&self.request, settings.is_some()) {
            let (head, body) = own?;
            return Ok(Next::Answer(head, Body::Whole(body)));
        }
        let settings = settings.ok_or_else(|| problems::not_ready(1))?;
        if let Some(method) = cors::preflight(&self.request) {
            let asked = RequestHead { method: method.to_owned(), ..self.request.clone() };
            let rule = match policies.route(&asked)? {
                RouteDecision::Forward(route) => route.extras.and_then(|extras| extras.cors),
                RouteDecision::Refuse(_) => None,
            };
            if let Some(rule) = &rule {
                self.origin = Origin::under(&self.request, rule);
            }
            return Ok(Next::Answer(cors::answer(&self.origin, settings, rule.as_ref()), Body::Empty));
        }

        let asked = handshake::asked(&self.request);
        // From here on nobody sees what was meant for this connection or what only the edge may say.
        headers::strip_hop_by_hop(&mut self.request.headers);
        headers::strip_claims(&mut self.request.headers);
        headers::strip_named(&mut self.request.headers, &settings.claim_headers);

        self.stage = "routing";
        let route = match policies.route(&self.request)? {
            RouteDecision::Forward(route) => self.route.insert(route),
            RouteDecision::Refuse(problem) => return Err(Stop::Refuse(problem)),
        };
        if let Some(rule) = route.extras.as_ref().and_then(|extras| extras.cors.as_ref()) {
            self.origin = Origin::under(&self.request, rule);
        }
        self.judge_handshake(asked)?;
        let route = self.route.as_ref().ok_or(Stop::OutOfStep)?;
        if route.limits.is_empty() {
            return self.identify(policies, false, now);
        }
        let plan = policies.draw(&self.request, &route.id, &route.limits, None)?;
        self.wanted.extend(plan.leases);
        if plan.buckets.is_empty() {
            return self.identify(policies, plan.again_with_caller, now);
        }
        let effect = Effect::Take(plan.buckets.clone());
        self.waiting = Waiting::Address { buckets: plan.buckets, again_with_caller: plan.again_with_caller };
        Ok(Next::Do(effect))
    }

    /// What became of the buckets.
    fn settle<P: Policies>(
        &mut self,
        policies: &mut P,
        buckets: Vec<Bucket>,
        allowances: Option<Vec<Allowance>>,
    ) -> Result<(), Stop> {
        self.stage = "rate-limiting";
        // A state that answers for other buckets than it was asked for has not answered.
        let allowances = allowances.filter(|given| given.len() == buckets.len());
        let mut allowances = allowances.into_iter().flatten();
        self.drawn.extend(buckets.into_iter().map(|bucket| Drawn { bucket, allowance: allowances.next() }));
        self.judge_limits(policies)
    }

    /// Who is calling.
    fn identify<P: Policies>(&mut self, policies: &mut P, again_with_caller: bool, now: u64) -> Step {
        let route = self.route.as_ref().ok_or(Stop::OutOfStep)?;
        // A public route is one where credentials are not looked at, so nobody is asked about them.
        if route.requirement == Requirement::Public {
            return self.hold(policies, now);
        }
        let verdict = policies.authenticate(&self.request, &route.requirement, self.certificate.as_ref(), now)?;
        self.identified(policies, verdict, again_with_caller, now)
    }

    /// The same with what the authorization server said.
    fn identify_opaque<P: Policies>(
        &mut self,
        policies: &mut P,
        answer: Option<&Opinion>,
        again_with_caller: bool,
        now: u64,
    ) -> Step {
        let route = self.route.as_ref().ok_or(Stop::OutOfStep)?;
        match policies.introspected(&self.request, &route.requirement, answer, now)? {
            // One question is enough.
            Verdict::Introspect(_) => Err(Stop::OutOfStep),
            verdict => self.identified(policies, verdict, again_with_caller, now),
        }
    }

    /// Shows the core who asks it: the edge for itself, not for a client.
    fn sign(&self, question: &mut Introspection, now: u64) {
        let signed = Signed {
            method: "POST",
            path_and_query: &question.path_and_query,
            client_address: "",
            request_id: &self.request_id,
        };
        let signature = self.gateway.keys.sign(now, &signed);
        question.headers.push(Field::new("x-request-id", self.request_id.as_str()));
        question.headers.extend(signature.map(|signature| Field::new("breakwater-edge", signature)));
    }

    /// What the caller draws on.
    fn identified<P: Policies>(&mut self, policies: &mut P, verdict: Verdict, again: bool, now: u64) -> Step {
        self.stage = "authentication";
        match verdict {
            Verdict::Anonymous => {}
            Verdict::Known(caller) => {
                self.unmarked = headers::get(&self.request.headers, "authorization").is_none();
                self.caller = Some(caller);
            }
            Verdict::Refuse(problem) => return Err(Stop::Refuse(problem)),
            Verdict::UnknownKey((issuer, problem)) => {
                self.unknown_key = Some(issuer);
                return Err(Stop::Refuse(problem));
            }
            Verdict::Introspect(mut question) => {
                if question.origin.is_none() {
                    self.sign(&mut question, now);
                }
                self.waiting = Waiting::Introspection { again_with_caller: again };
                return Ok(Next::Do(Effect::Introspect(question)));
            }
        }
        let route = self.route.as_ref().ok_or(Stop::OutOfStep)?;
        if let (true, Some(caller)) = (again, &self.caller) {
            let plan = policies.draw(&self.request, &route.id, &route.limits, Some(caller))?;
            self.wanted.extend(plan.leases);
            if !plan.buckets.is_empty() {
                self.waiting = Waiting::Caller { buckets: plan.buckets.clone() };
                return Ok(Next::Do(Effect::Take(plan.buckets)));
            }
        }
        self.hold(policies, now)
    }

    /// A place among the requests at once, where there are so many only.
    fn hold<P: Policies>(&mut self, policies: &mut P, now: u64) -> Step {
        if self.wanted.is_empty() {
            return self.serve(policies, now);
        }
        self.waiting = Waiting::Lease;
        Ok(Next::Do(Effect::Lease(self.wanted.clone(), ids::holder(&self.holder))))
    }

    /// The request may be served: from files, from the cache, or by an upstream.
    fn serve<P: Policies>(&mut self, policies: &mut P, now: u64) -> Step {
        let route = self.route.as_mut().ok_or(Stop::OutOfStep)?;
        self.adapts = true;
        self.stage = "upstream";
        if let Target::Split(split) = &route.target {
            let chosen = split::choose(split, &route.id, &self.request, self.caller.as_ref(), &self.request_id);
            route.target = Target::Upstream(chosen.ok_or_else(problems::internal)?.to_owned());
        }
        match &route.target {
            Target::StaticFiles => {
                let file = policies.find_file(&self.request)?;
                let body = problem::with_request_id(&file.head, file.body, &self.request_id);
                Ok(Next::Answer(file.head, Body::Whole(body)))
            }
            Target::Answer(head) => Ok(Next::Answer(head.clone(), Body::Whole(Bytes::new()))),
            Target::Upstream(_) if route.cacheable && self.handshake.is_none() => self.look_up(policies, now),
            Target::Upstream(_) | Target::Split(_) => self.forward(now),
        }
    }

    /// Whether the limits let the request through. While everything is allowed, there is nothing to judge.
    fn judge_limits<P: Policies>(&mut self, policies: &mut P) -> Result<(), Stop> {
        if limits::all_allowed(&self.drawn, &self.leased) {
            return Ok(());
        }
        policies.judge_limits(&self.drawn, &self.leased)?.map_or(Ok(()), |problem| Err(Stop::Refuse(problem)))
    }

    /// Turns every end into an answer.
    fn conclude(&mut self, step: Step) -> Effect {
        let step = match step {
            Ok(Next::Answer(head, body)) => self.adapt(head, body),
            step => step,
        };
        let (head, body) = match step {
            Ok(Next::Do(effect)) => return effect,
            Ok(Next::Answer(head, body)) => (head, body),
            Err(Stop::Refuse(problem)) => {
                self.refused = true;
                answer::refusal(problem, &self.request_id)
            }
            Err(Stop::Fault(fault)) => {
                self.fault = Some(fault);
                answer::refusal(problems::internal(), &self.request_id)
            }
            Err(Stop::OutOfStep) => {
                self.fault = Some(Fault("the shell and the pipeline are out of step".to_owned()));
                answer::refusal(problems::internal(), &self.request_id)
            }
        };
        let mut answer = self.finish(head, body);
        answer.set.append(&mut self.set);
        answer.renewal = self.renewal.take();
        Effect::Respond(answer)
    }

    fn finish(&self, mut head: ResponseHead, body: Body) -> Answer {
        self.say_notices(&mut head);
        if self.unmarked {
            answer::keep_private(&mut head.headers);
        }
        let limits = limits::headers(&self.drawn, &self.leased);
        let asked = Asked {
            request_id: &self.request_id,
            https: self.request.scheme == "https",
            head_only: self.request.method == "HEAD",
            origin: &self.origin,
        };
        let mut answer = answer::finish(head, body, &asked, limits);
        if let Some(wanted) = self.wanted_coding.filter(|_| self.may_be_coded()) {
            answer.coding = wanted.code(&mut answer.head, asked.head_only);
        }
        answer
    }

    /// Whether the route leaves its answers to be compressed.
    fn may_be_coded(&self) -> bool {
        let settings = self.gateway.settings.as_ref();
        self.route().is_some_and(|route| settings.is_some_and(|settings| !settings.uncoded.contains(route)))
    }

    fn wait_for_nothing(&mut self) -> Waiting {
        std::mem::replace(&mut self.waiting, Waiting::Nothing)
    }

    /// The request id, which is on the answer, at the core and in every log line.
    pub fn request_id(&self) -> &str {
        &self.request_id
    }

    /// The trace that the request belongs to, for the log.
    pub fn trace_id(&self) -> &str {
        self.traceparent.get(3..35).unwrap_or_default()
    }

    /// The trace context that goes on (W3C Trace Context, section 3.2).
    pub fn traceparent(&self) -> &str {
        &self.traceparent
    }

    /// The span of the client's that this request is below, if the edge tells of requests.
    pub fn parent_span(&self) -> Option<&str> {
        self.parent_span.as_deref()
    }

    /// The method, for the log.
    pub fn method(&self) -> &str {
        &self.request.method
    }

    /// The path without its query, for the log: queries may hold what nobody should read.
    pub fn path(&self) -> &str {
        &self.request.path
    }

    /// Where the client came from, for the log.
    pub fn client_address(&self) -> &str {
        &self.request.client_address
    }

    /// The route's id, once the router has spoken.
    pub fn route(&self) -> Option<&str> {
        self.route.as_ref().map(|route| route.id.as_str())
    }

    /// Milliseconds that a body may stand still, once the router has spoken.
    pub fn idle_timeout(&self) -> Option<u32> {
        self.route.as_ref().map(|route| route.idle_timeout)
    }

    /// Who is calling, if that is known.
    pub fn caller(&self) -> Option<&Caller> {
        self.caller.as_ref()
    }

    /// The issuer whose key a token named that is not known here: the core may know it by now.
    pub fn unknown_key(&self) -> Option<&str> {
        self.unknown_key.as_deref()
    }

    /// What the cache had to do with the answer, if its route is cacheable.
    pub fn cache(&self) -> Option<&CacheOutcome> {
        self.cache.outcome.as_ref()
    }

    /// Which part of the edge refused the request, if one did: `request` (its head), `routing`, `rate-limiting`,
    /// `authentication`, `caching`, or `upstream` (the way to it).
    pub fn refused_by(&self) -> Option<&'static str> {
        let cache_refused = self.cache().is_some_and(|cache| cache.result == "refused");
        self.refused.then_some(if cache_refused { "caching" } else { self.stage })
    }

    /// The names of the limits that refused the request, if it was limits that did.
    pub fn exhausted(&self) -> impl Iterator<Item = &str> {
        let drawn = self.drawn.iter().filter(|one| !one.allowance.as_ref().is_some_and(|given| given.allowed));
        let leased = self.leased.iter().filter(|one| one.granted != Some(true));
        let names = drawn.map(|one| one.bucket.name.as_str()).chain(leased.map(|one| one.lease.name.as_str()));
        names.filter(|_| self.refused_by() == Some("rate-limiting"))
    }

    /// What went wrong here, for the log.
    pub fn fault(&self) -> Option<&Fault> {
        self.fault.as_ref()
    }
}
