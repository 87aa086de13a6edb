//! The policies as the pipeline asks them.

use breakwater_kit::types::{
    CacheKeep, CachePlan, CacheUse, Caller, ClientCertificate, DrawPlan, Drawn, File, Leased, LimitVerdict, Opinion,
    RequestHead, Requirement, ResponseHead, RouteDecision, Stored, StoredHead, Verdict,
};
use breakwater_pipeline::{Fault, Policies, Section};

use crate::imports::{authentication, caching, rate_limiting, routing, static_files};

/// The components that `spin.toml` composes with this one. A call cannot fail: a trap ends the instance.
pub struct Components;

impl Policies for Components {
    fn configure(&mut self, section: Section, json: &[u8]) -> Result<Result<(), String>, Fault> {
        Ok(match section {
            Section::Routing => routing::configure(json),
            Section::RateLimiting => rate_limiting::configure(json),
            Section::Authentication => authentication::configure(json),
            Section::Caching => caching::configure(json),
            Section::StaticFiles => static_files::configure(json),
        })
    }

    fn route(&mut self, request: &RequestHead) -> Result<RouteDecision, Fault> {
        Ok(routing::route(request))
    }

    fn draw(
        &mut self,
        request: &RequestHead,
        route: &str,
        limits: &[String],
        caller: Option<&Caller>,
    ) -> Result<DrawPlan, Fault> {
        Ok(rate_limiting::draw(request, route, limits, caller))
    }

    fn judge_limits(&mut self, drawn: &[Drawn], leased: &[Leased]) -> Result<LimitVerdict, Fault> {
        Ok(rate_limiting::judge(drawn, leased))
    }

    fn authenticate(
        &mut self,
        request: &RequestHead,
        requirement: &Requirement,
        certificate: Option<&ClientCertificate>,
        now: u64,
    ) -> Result<Verdict, Fault> {
        Ok(authentication::authenticate(request, requirement, certificate, now))
    }

    fn introspected(
        &mut self,
        request: &RequestHead,
        requirement: &Requirement,
        answer: Option<&Opinion>,
        now: u64,
    ) -> Result<Verdict, Fault> {
        Ok(authentication::introspected(request, requirement, answer, now))
    }

    fn plan_cache(&mut self, request: &RequestHead, caller: Option<&Caller>) -> Result<CachePlan, Fault> {
        Ok(caching::plan(request, caller))
    }

    fn judge_stored(
        &mut self,
        request: &RequestHead,
        key: &str,
        stored: Option<&Stored>,
        now: u64,
    ) -> Result<CacheUse, Fault> {
        Ok(caching::judge(request, key, stored, now))
    }

    fn keep(
        &mut self,
        request: &RequestHead,
        response: &ResponseHead,
        requested_at: u64,
        now: u64,
    ) -> Result<CacheKeep, Fault> {
        Ok(caching::keep(request, response, requested_at, now))
    }

    fn update(
        &mut self,
        request: &RequestHead,
        stored: &StoredHead,
        not_modified: &ResponseHead,
        requested_at: u64,
        now: u64,
    ) -> Result<CacheKeep, Fault> {
        Ok(caching::update(request, stored, not_modified, requested_at, now))
    }

    fn find_file(&mut self, request: &RequestHead) -> Result<File, Fault> {
        Ok(static_files::find(request))
    }
}
