//! The policies as the pipeline asks them.

use std::borrow::Cow;
use std::cell::RefCell;

use breakwater_kit::types::{
    CacheKeep, CachePlan, CacheUse, Caller, ClientCertificate, DrawPlan, Drawn, File, Hit, Leased, Opinion, Presented,
    Problem, RequestHead, Requirement, ResponseHead, RouteDecision, Sent, Site, Stored, StoredHead, Subscriber,
    Verdict,
};
use breakwater_pipeline::{Fault, Policies, Reads, Section};

use crate::imports::{authentication, caching, rate_limiting, routing, static_files};

thread_local! {
    /// What each policy said that it reads, by [`Section`].
    static READS: RefCell<[Reads; 5]> = RefCell::default();
}

/// The request as the policy of a section is shown it.
fn shown(section: Section, request: &RequestHead) -> Cow<'_, RequestHead> {
    READS.with_borrow(|reads| {
        let reads = &reads[section as usize];
        if reads.is_all() {
            return Cow::Borrowed(request);
        }
        Cow::Owned(RequestHead {
            method: request.method.clone(),
            scheme: request.scheme.clone(),
            authority: request.authority.clone(),
            path: request.path.clone(),
            query: request.query.clone(),
            headers: reads.of(&request.headers).cloned().collect(),
            client_address: request.client_address.clone(),
        })
    })
}

/// The client as the policy of a section is shown it.
fn presented(section: Section, request: &RequestHead) -> Presented {
    let (query, site) = match section {
        Section::Authentication => (request.query.clone(), Site::of(request)),
        _ => (None, None),
    };
    let headers = READS.with_borrow(|reads| reads[section as usize].of(&request.headers).cloned().collect());
    Presented { client_address: request.client_address.clone(), query, site, headers }
}

/// The components that `spin.toml` composes with this one. A call cannot fail: a trap ends the instance.
pub struct Components;

impl Policies for Components {
    fn configure(&mut self, section: Section, json: &[u8]) -> Result<Result<(), String>, Fault> {
        let verdict = match section {
            Section::Routing => routing::configure(json),
            Section::RateLimiting => rate_limiting::configure(json),
            Section::Authentication => authentication::configure(json),
            Section::Caching => caching::configure(json),
            Section::StaticFiles => static_files::configure(json),
        };
        Ok(verdict.map(|names| READS.with_borrow_mut(|reads| reads[section as usize] = Reads::new(names))))
    }

    fn route(&mut self, request: &RequestHead) -> Result<RouteDecision, Fault> {
        Ok(routing::route(&shown(Section::Routing, request)))
    }

    fn draw(
        &mut self,
        request: &RequestHead,
        route: &str,
        limits: &[String],
        caller: Option<&Caller>,
    ) -> Result<DrawPlan, Fault> {
        Ok(rate_limiting::draw(
            &presented(Section::RateLimiting, request),
            route,
            limits,
            caller.map(Subscriber::from).as_ref(),
        ))
    }

    fn judge_limits(&mut self, drawn: &[Drawn], leased: &[Leased]) -> Result<Option<Problem>, Fault> {
        Ok(rate_limiting::judge(drawn, leased))
    }

    fn authenticate(
        &mut self,
        request: &RequestHead,
        requirement: &Requirement,
        certificate: Option<&ClientCertificate>,
        now: u64,
    ) -> Result<Verdict, Fault> {
        let presented = presented(Section::Authentication, request);
        Ok(authentication::authenticate(&presented, requirement, certificate, now))
    }

    fn introspected(
        &mut self,
        request: &RequestHead,
        requirement: &Requirement,
        answer: Option<&Opinion>,
        now: u64,
    ) -> Result<Verdict, Fault> {
        let presented = presented(Section::Authentication, request);
        Ok(authentication::introspected(&presented, requirement, answer, now))
    }

    fn plan_cache(&mut self, request: &RequestHead, caller: Option<&Caller>) -> Result<CachePlan, Fault> {
        Ok(caching::plan(&shown(Section::Caching, request), caller))
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
        Ok(caching::judge(&shown(Section::Caching, request), caller, key, stored, length, now))
    }

    fn keep(
        &mut self,
        request: &RequestHead,
        caller: Option<&Caller>,
        response: &ResponseHead,
        sent: Sent,
        now: u64,
    ) -> Result<CacheKeep, Fault> {
        Ok(caching::keep(&shown(Section::Caching, request), caller, response, sent, now))
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
        Ok(caching::update(&shown(Section::Caching, request), caller, stored, answer, sent, now))
    }

    fn rescue(
        &mut self,
        request: &RequestHead,
        stored: &StoredHead,
        length: u64,
        status: Option<u16>,
        now: u64,
    ) -> Result<Option<Hit>, Fault> {
        Ok(caching::rescue(&shown(Section::Caching, request), stored, length, status, now))
    }

    fn invalidate(&mut self, request: &RequestHead, response: &ResponseHead) -> Result<Vec<String>, Fault> {
        Ok(caching::invalidate(&shown(Section::Caching, request), response))
    }

    fn find_file(&mut self, request: &RequestHead) -> Result<File, Fault> {
        Ok(static_files::find(&shown(Section::StaticFiles, request)))
    }
}
