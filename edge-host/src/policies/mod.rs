//! The policies as components: compiled once ([`Components`]), one set of instances per worker ([`PolicySet`]).
//!
//! A policy imports nothing, so its linker is empty. A call has a deadline and its memory a bound ([`sandbox`]); a
//! policy that traps or goes over either costs the request that asked it, and is made anew, with the configuration that
//! it had, before the next.

mod components;
mod interfaces;
mod sandbox;
mod view;

use std::sync::Arc;

use breakwater_kit::types::{
    CacheKeep, CachePlan, CacheUse, Caller, ClientCertificate, DrawPlan, Drawn, File, Hit, Leased, Opinion, Problem,
    RequestHead, Requirement, ResponseHead, RouteDecision, Sent, Stored, StoredHead, Verdict,
};
use breakwater_pipeline::{Fault, Policies, Section};

use crate::metrics::PolicyMeter;
pub use components::Components;
use interfaces::{Authentication, Caching, RateLimiting, Routing, StaticFiles};
use sandbox::Sandbox;
use view::{HeadView, PresentedView, SubscriberView};

/// One instance of every policy. It belongs to one thread.
pub struct PolicySet {
    routing: Sandbox<Routing>,
    rate_limiting: Sandbox<RateLimiting>,
    authentication: Sandbox<Authentication>,
    caching: Sandbox<Caching>,
    static_files: Sandbox<StaticFiles>,
}

impl PolicySet {
    /// Makes the instances.
    pub fn new(components: &Components) -> wasmtime::Result<Self> {
        let [routing, rate_limiting, authentication, caching, static_files] = &components.instances;
        Ok(Self {
            routing: Sandbox::new(routing)?,
            rate_limiting: Sandbox::new(rate_limiting)?,
            authentication: Sandbox::new(authentication)?,
            caching: Sandbox::new(caching)?,
            static_files: Sandbox::new(static_files)?,
        })
    }

    /// Counts its calls in these, which are in the order of the manifest.
    #[must_use]
    pub fn measured(mut self, meters: &[Arc<PolicyMeter>; 5]) -> Self {
        let [routing, rate_limiting, authentication, caching, static_files] = meters.clone();
        self.routing.meter = Some(routing);
        self.rate_limiting.meter = Some(rate_limiting);
        self.authentication.meter = Some(authentication);
        self.caching.meter = Some(caching);
        self.static_files.meter = Some(static_files);
        self
    }
}

impl Policies for PolicySet {
    fn configure(&mut self, section: Section, json: &[u8]) -> Result<Result<(), String>, Fault> {
        match section {
            Section::Routing => self.routing.configure(json),
            Section::RateLimiting => self.rate_limiting.configure(json),
            Section::Authentication => self.authentication.configure(json),
            Section::Caching => self.caching.configure(json),
            Section::StaticFiles => self.static_files.configure(json),
        }
    }

    fn route(&mut self, request: &RequestHead) -> Result<RouteDecision, Fault> {
        let shown = self.routing.shown(request);
        let head = HeadView::new(request, &shown);
        self.routing.call(|functions, store| functions.route.call(store, (head,)))
    }

    fn draw(
        &mut self,
        request: &RequestHead,
        route: &str,
        limits: &[String],
        caller: Option<&Caller>,
    ) -> Result<DrawPlan, Fault> {
        let shown = self.rate_limiting.shown(request);
        let presented = PresentedView::new(request, &shown);
        let subscriber = caller.map(SubscriberView::from);
        self.rate_limiting.call(|functions, store| functions.draw.call(store, (presented, route, limits, subscriber)))
    }

    fn judge_limits(&mut self, drawn: &[Drawn], leased: &[Leased]) -> Result<Option<Problem>, Fault> {
        self.rate_limiting.call(|functions, store| functions.judge.call(store, (drawn, leased)))
    }

    fn authenticate(
        &mut self,
        request: &RequestHead,
        requirement: &Requirement,
        certificate: Option<&ClientCertificate>,
        now: u64,
    ) -> Result<Verdict, Fault> {
        let shown = self.authentication.shown(request);
        let presented = PresentedView::for_credentials(request, &shown);
        let parameters = (presented, requirement, certificate, now);
        self.authentication.call(|functions, store| functions.authenticate.call(store, parameters))
    }

    fn introspected(
        &mut self,
        request: &RequestHead,
        requirement: &Requirement,
        answer: Option<&Opinion>,
        now: u64,
    ) -> Result<Verdict, Fault> {
        let shown = self.authentication.shown(request);
        let presented = PresentedView::for_credentials(request, &shown);
        let parameters = (presented, requirement, answer, now);
        self.authentication.call(|functions, store| functions.introspected.call(store, parameters))
    }

    fn plan_cache(&mut self, request: &RequestHead, caller: Option<&Caller>) -> Result<CachePlan, Fault> {
        let shown = self.caching.shown(request);
        let head = HeadView::new(request, &shown);
        self.caching.call(|functions, store| functions.plan.call(store, (head, caller)))
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
        let shown = self.caching.shown(request);
        let head = HeadView::new(request, &shown);
        let parameters = (head, caller, key, stored, length, now);
        self.caching.call(|functions, store| functions.judge.call(store, parameters))
    }

    fn keep(
        &mut self,
        request: &RequestHead,
        caller: Option<&Caller>,
        response: &ResponseHead,
        sent: Sent,
        now: u64,
    ) -> Result<CacheKeep, Fault> {
        let shown = self.caching.shown(request);
        let head = HeadView::new(request, &shown);
        let parameters = (head, caller, response, sent, now);
        self.caching.call(|functions, store| functions.keep.call(store, parameters))
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
        let shown = self.caching.shown(request);
        let head = HeadView::new(request, &shown);
        let parameters = (head, caller, stored, answer, sent, now);
        self.caching.call(|functions, store| functions.update.call(store, parameters))
    }

    fn rescue(
        &mut self,
        request: &RequestHead,
        stored: &StoredHead,
        length: u64,
        status: Option<u16>,
        now: u64,
    ) -> Result<Option<Hit>, Fault> {
        let shown = self.caching.shown(request);
        let head = HeadView::new(request, &shown);
        let parameters = (head, stored, length, status, now);
        self.caching.call(|functions, store| functions.rescue.call(store, parameters))
    }

    fn invalidate(&mut self, request: &RequestHead, response: &ResponseHead) -> Result<Vec<String>, Fault> {
        let shown = self.caching.shown(request);
        let head = HeadView::new(request, &shown);
        let parameters = (head, response);
        self.caching.call(|functions, store| functions.invalidate.call(store, parameters))
    }

    fn find_file(&mut self, request: &RequestHead) -> Result<File, Fault> {
        let shown = self.static_files.shown(request);
        let head = HeadView::new(request, &shown);
        self.static_files.call(|functions, store| functions.find.call(store, (head,)))
    }
}
