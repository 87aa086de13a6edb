//! The steps that the cache policy takes part in (RFC 9111).

use breakwater_kit::entity_tag;
use breakwater_kit::headers as kit;
use breakwater_kit::types::{CacheKeep, CachePlan, CacheUse, Field, Kept, ResponseHead, Stored, StoredHead};
use bytes::Bytes;

use super::{Exchange, Next, Step, Stop, Waiting};
use crate::effect::{self, Body, Effect, Failure, Keep};
use crate::headers;
use crate::policies::Policies;
use crate::stored::{self, Found};

/// How often one request asks the state: a `varies` entry leads to one response, and not in circles.
const MAX_LOOK_UPS: u8 = 3;

/// Where a request stands with the cache.
#[derive(Default)]
pub(super) struct Lookup {
    /// The key asked for last; none if the cache is left out.
    key: Option<String>,
    look_ups: u8,
    /// What the upstream is asked to confirm.
    validation: Option<Validation>,
    /// Whether the upstream was asked already.
    pub sent: bool,
    /// When it was asked last.
    pub requested_at: u64,
}

struct Validation {
    stored: StoredHead,
    body: Bytes,
    conditions: Vec<Field>,
}

impl Lookup {
    pub fn is_on(&self) -> bool {
        self.key.is_some()
    }

    /// The headers that ask the upstream for confirmation.
    pub fn validators(&self) -> &[Field] {
        self.validation.as_ref().map_or(&[], |validation| &validation.conditions)
    }
}

impl Exchange {
    /// Whether the cache may know the answer.
    pub(super) fn look_up<P: Policies>(&mut self, policies: &mut P, now: u64) -> Step {
        match policies.plan_cache(&self.request, self.caller.as_ref())? {
            CachePlan::Bypass(_) => self.forward(now),
            CachePlan::LookUp(key) => self.get(key, now),
        }
    }

    fn get(&mut self, key: String, now: u64) -> Step {
        self.cache.key = Some(key.clone());
        if self.cache.look_ups == MAX_LOOK_UPS {
            return self.forward(now);
        }
        self.cache.look_ups += 1;
        self.waiting = Waiting::State;
        Ok(Next::Do(Effect::Get(key)))
    }

    /// What the state had, and what that is good for.
    pub(super) fn found<P: Policies>(&mut self, policies: &mut P, value: Option<Bytes>, now: u64) -> Step {
        let (stored, body) = match value.and_then(stored::decode) {
            None => (None, Bytes::new()),
            Some(Found::Response(head, body)) => (Some(Stored::Response(head)), body),
            Some(Found::Varies(names)) => (Some(Stored::Varies(names)), Bytes::new()),
        };
        let key = self.cache.key.as_deref().ok_or(Stop::OutOfStep)?;
        match policies.judge_stored(&self.request, key, stored.as_ref(), now)? {
            CacheUse::Fresh(head) => Ok(Next::Answer(head, Body::Whole(body))),
            // A HEAD is told the length of what it does not get.
            CacheUse::WithoutBody(head) if self.request.method == "HEAD" => Ok(Next::Answer(head, Body::Whole(body))),
            CacheUse::WithoutBody(head) => Ok(Next::Answer(head, Body::Empty)),
            CacheUse::Other(key) => self.get(key, now),
            CacheUse::Refuse(problem) => Err(Stop::Refuse(problem)),
            CacheUse::Miss => self.forward(now),
            CacheUse::Validate(conditions) => {
                if let Some(Stored::Response(stored)) = stored {
                    self.cache.validation = Some(Validation { stored, body, conditions });
                }
                self.forward(now)
            }
        }
    }

    /// The upstream's answer, and whether the cache wants it.
    pub(super) fn upstream_answered<P: Policies>(
        &mut self,
        policies: &mut P,
        answer: Result<ResponseHead, Failure>,
        now: u64,
    ) -> Step {
        let mut head = answer.map_err(|failure| Stop::Refuse(self.failure(failure)))?;
        if !self.cache.is_on() {
            return Ok(Next::Answer(head, Body::Upstream(None)));
        }
        headers::strip_hop_by_hop(&mut head.headers);
        self.say_varies(&mut head);
        match self.cache.validation.take() {
            Some(validation) if head.status == 304 => self.confirmed(policies, validation, &head, now),
            _ => {
                let keep = policies.keep(&self.request, &head, self.cache.requested_at, now)?;
                let keep = match keep {
                    // The answer to HEAD has no body to keep.
                    CacheKeep::Keep(kept) if self.request.method != "HEAD" => {
                        Some(Keep { max_bytes: self.max_kept(), kept })
                    }
                    CacheKeep::Keep(_) | CacheKeep::Pass(_) => None,
                };
                Ok(Next::Answer(head, Body::Upstream(keep)))
            }
        }
    }

    /// The upstream says that the stored response still holds (RFC 9111, section 4.3.4).
    fn confirmed<P: Policies>(
        &mut self,
        policies: &mut P,
        validation: Validation,
        not_modified: &ResponseHead,
        now: u64,
    ) -> Step {
        let Validation { stored, body, .. } = validation;
        let kept = match policies.update(&self.request, &stored, not_modified, self.cache.requested_at, now)? {
            CacheKeep::Keep(kept) => kept,
            // It confirmed another response than ours: ask again, without conditions.
            CacheKeep::Pass(_) => return self.forward(now),
        };
        // The client may have conditions of its own, which the freshened response may meet.
        let freshened = Stored::Response(kept.head.clone());
        let (head, answer_body) = match policies.judge_stored(&self.request, &kept.key, Some(&freshened), now)? {
            CacheUse::Fresh(head) => (head, Body::Whole(body.clone())),
            CacheUse::WithoutBody(head) => (head, Body::Empty),
            // Such as `no-cache`: not to be used without asking, but we have just asked.
            _ => self.just_confirmed(&kept, &body),
        };
        let Next::Answer(head, answer_body) = self.adapt(head, answer_body)? else { return Err(Stop::OutOfStep) };
        let mut answer = self.finish(head, answer_body);
        answer.set = effect::entries(kept, &body);
        Ok(Next::Do(Effect::Respond(answer)))
    }

    fn max_kept(&self) -> u64 {
        self.gateway.settings.as_ref().map_or(0, |settings| settings.max_object_bytes)
    }

    /// A stored response as it is, unless the client has the same already (RFC 9110, section 13.1.2).
    fn just_confirmed(&self, kept: &Kept, body: &Bytes) -> (ResponseHead, Body) {
        let mut head = ResponseHead { status: kept.head.status, headers: kept.head.headers.clone() };
        if head.status == 200 && self.client_has(&head.headers) {
            head.status = 304;
            return (head, Body::Empty);
        }
        (head, Body::Whole(body.clone()))
    }

    fn client_has(&self, answer: &[Field]) -> bool {
        entity_tag::none_match_hit(&self.request.headers, kit::first(answer, "etag")) == Some(true)
    }
}
