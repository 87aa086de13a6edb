//! The steps that the cache policy takes part in (RFC 9111).

use breakwater_kit::entity_tag;
use breakwater_kit::headers as kit;
use breakwater_kit::types::{
    BodyPart, CacheKeep, CachePlan, CacheUse, Field, Hit, Kept, Question, ResponseHead, Sent, Stored, StoredHead,
};
use bytes::Bytes;

use super::outcome::CacheOutcome;
use super::{Exchange, Next, Step, Stop, Waiting};
use crate::effect::{self, Body, Collapse, Effect, Entry, Failure, Keep, Turn};
use crate::headers;
use crate::ids::Seed;
use crate::policies::Policies;
use crate::stored::{self, Found};

/// How often one request asks the state: a `varies` entry leads to one response, and not in circles.
const MAX_LOOK_UPS: u8 = 3;

/// Where a request stands with the cache.
#[derive(Default)]
pub(super) struct Lookup {
    /// The key of the request's target; none if the cache is left out.
    plain: Option<String>,
    /// The key asked for last.
    key: String,
    look_ups: u8,
    /// The series and names of the variants, once they were found.
    variants: Option<(u64, Vec<String>)>,
    /// For variants that begin a series.
    new_series: u64,
    /// What was found and is not fresh.
    stale: Option<Stale>,
    /// Whether nobody has to wait for this request, nor this one for others.
    alone: bool,
    /// Whether the upstream was asked already.
    pub sent: bool,
    /// When it was asked last.
    pub sent_at: u64,
    /// What became of it.
    pub outcome: Option<CacheOutcome>,
}

/// A stored response that the upstream is asked about.
pub(super) struct Stale {
    pub stored: StoredHead,
    pub body: Bytes,
    pub conditions: Vec<Field>,
    pub why: String,
}

impl Lookup {
    pub fn new(seed: &Seed) -> Self {
        let [a, b, c, d, e, f, g, h, ..] = seed.0;
        Self { new_series: u64::from_be_bytes([a, b, c, d, e, f, g, h]), ..Self::default() }
    }

    /// Of a request that renews what another found.
    pub fn renewing(found: &Self, stale: Stale) -> Self {
        Self {
            plain: found.plain.clone(),
            key: found.key.clone(),
            variants: found.variants.clone(),
            new_series: found.new_series,
            stale: Some(stale),
            alone: true,
            sent: true,
            ..Self::default()
        }
    }

    pub fn is_on(&self) -> bool {
        self.plain.is_some()
    }

    /// The headers that ask the upstream for confirmation.
    pub fn validators(&self) -> &[Field] {
        self.stale.as_ref().map_or(&[], |stale| &stale.conditions)
    }

    /// Where the state has what was asked for last.
    pub fn place(&self) -> Option<String> {
        let plain = self.plain.as_ref()?;
        match &self.variants {
            Some((series, _)) if self.key != *plain => Some(effect::in_series(&self.key, *series)),
            _ => Some(self.key.clone()),
        }
    }

    /// The series that a response belongs to: another one if it varies in another way than those before it.
    fn series(&self, kept: &Kept) -> u64 {
        match (&self.variants, &kept.varies) {
            (Some((series, known)), Some((_, names))) if known == names => *series,
            _ => self.new_series,
        }
    }

    fn why_missed(&self) -> &'static str {
        if self.variants.is_some() { "vary-miss" } else { "uri-miss" }
    }
}

impl Exchange {
    /// Whether the cache may know the answer.
    pub(super) fn look_up<P: Policies>(&mut self, policies: &mut P, now: u64) -> Step {
        match policies.plan_cache(&self.request, self.caller.as_ref())? {
            CachePlan::Bypass(reason) => {
                let why = if reason == "method" { "method" } else { "bypass" };
                self.cache.outcome = Some(CacheOutcome::forwarded("bypass", why).and(Err(reason)));
                self.forward(now)
            }
            CachePlan::LookUp(key) => {
                self.cache.plain = Some(key.clone());
                self.get(key, now)
            }
        }
    }

    fn get(&mut self, key: String, now: u64) -> Step {
        self.cache.key = key;
        if self.cache.look_ups == MAX_LOOK_UPS {
            return self.forward(now);
        }
        self.cache.look_ups += 1;
        self.waiting = Waiting::State;
        Ok(Next::Do(Effect::Get(self.cache.place().ok_or(Stop::OutOfStep)?)))
    }

    /// What the state had, and what that is good for.
    pub(super) fn found<P: Policies>(&mut self, policies: &mut P, value: Option<Bytes>, now: u64) -> Step {
        let (stored, body) = match value.and_then(stored::decode) {
            None => (None, Bytes::new()),
            Some(Found::Response(head, body)) => (Some(Stored::Response(head)), body),
            Some(Found::Varies(series, names)) => {
                self.cache.variants = Some((series, names.clone()));
                (Some(Stored::Varies(names)), Bytes::new())
            }
            Some(Found::Uncacheable) => {
                self.cache.alone = true;
                (None, Bytes::new())
            }
        };
        let length = body.len() as u64;
        let caller = self.caller.as_ref();
        match policies.judge_stored(&self.request, caller, &self.cache.key, stored.as_ref(), length, now)? {
            CacheUse::Hit(hit) => {
                let Some(Stored::Response(stored)) = stored else { return Err(Stop::OutOfStep) };
                Ok(self.answer_stored(&hit, stored, &body, None))
            }
            CacheUse::Renew(renewal) => {
                let Some(Stored::Response(stored)) = stored else { return Err(Stop::OutOfStep) };
                self.renewal = self.renew(stored.clone(), body.clone(), renewal.conditions, now);
                Ok(self.answer_stored(&renewal.hit, stored, &body, Some("renewing")))
            }
            CacheUse::Other(key) => self.get(key, now),
            CacheUse::Refuse(problem) => {
                self.cache.outcome = Some(CacheOutcome::refused());
                Err(Stop::Refuse(problem))
            }
            CacheUse::Miss => {
                let outcome = CacheOutcome::forwarded("miss", self.cache.why_missed());
                self.cache.outcome = Some(outcome);
                self.ask(now)
            }
            CacheUse::Validate(Question { conditions, reason, shared }) => {
                self.cache.outcome = Some(CacheOutcome::forwarded("miss", &reason));
                if let Some(Stored::Response(stored)) = stored {
                    self.cache.stale = Some(Stale { stored, body, conditions, why: reason });
                }
                if shared { self.ask(now) } else { self.forward(now) }
            }
        }
    }

    /// Asks the upstream, unless somebody else does so for the same.
    fn ask(&mut self, now: u64) -> Step {
        let wait = self.gateway.settings.as_ref().map_or(0, |settings| settings.caching.collapse_ms);
        let whole = self.request.method == "GET" && !kit::has(&self.request.headers, "range");
        match self.cache.place() {
            Some(key) if wait > 0 && whole && !self.cache.alone => {
                self.cache.alone = true;
                self.waiting = Waiting::Turn;
                Ok(Next::Do(Effect::Collapse(Collapse { key, wait })))
            }
            _ => self.forward(now),
        }
    }

    /// Whose turn it is to ask the upstream.
    pub(super) fn take_turn(&mut self, turn: Turn, now: u64) -> Step {
        match turn {
            Turn::Lead => self.forward(now),
            Turn::Follow => {
                self.cache.stale = None;
                self.cache.variants = None;
                self.cache.look_ups = 0;
                let plain = self.cache.plain.clone().ok_or(Stop::OutOfStep)?;
                self.get(plain, now)
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
        let mut head = match answer {
            Ok(head) if self.handshake.as_ref().is_some_and(|handshake| handshake.is_accepted(&head)) => {
                return self.switched(head);
            }
            // Nobody asked for another protocol, or not for this one.
            Ok(head) if head.status < 200 => return self.rescued(policies, Failure::BadAnswer, now),
            Ok(head) => head,
            Err(failure) => return self.rescued(policies, failure, now),
        };
        if !self.cache.is_on() {
            return self.passed_by(policies, head);
        }
        headers::strip_hop_by_hop(&mut head.headers);
        self.say_varies(&mut head);
        match self.cache.stale.take() {
            Some(stale) if head.status == 304 => self.confirmed(policies, stale, &head, now),
            Some(stale) => {
                if head.status >= 500
                    && let Some(next) = self.rescue(policies, &stale, Some(head.status), now)?
                {
                    return Ok(next);
                }
                if self.request.method == "HEAD" {
                    return self.freshened_by_head(policies, &stale, head, now);
                }
                self.keep(policies, head, now)
            }
            None => self.keep(policies, head, now),
        }
    }

    /// An answer that the cache was left out of. It may make untrue what is stored (RFC 9111, section 4.4).
    fn passed_by<P: Policies>(&mut self, policies: &mut P, mut head: ResponseHead) -> Step {
        if let Some(outcome) = &self.cache.outcome {
            head.headers.push(outcome.line());
        }
        let is_safe = matches!(self.request.method.as_str(), "GET" | "HEAD" | "OPTIONS");
        let is_used = self.gateway.settings.as_ref().is_some_and(|settings| settings.caching.is_used);
        if is_safe || !is_used || head.status >= 400 {
            return Ok(Next::Answer(head, Body::Upstream(None)));
        }
        let untrue = policies.invalidate(&self.request, &head)?;
        self.set.extend(untrue.into_iter().map(Entry::forget));
        Ok(Next::Answer(head, Body::Upstream(None)))
    }

    fn keep<P: Policies>(&mut self, policies: &mut P, mut head: ResponseHead, now: u64) -> Step {
        let outcome =
            self.cache.outcome.take().unwrap_or_else(|| CacheOutcome::forwarded("miss", self.cache.why_missed()));
        match policies.keep(&self.request, self.caller.as_ref(), &head, self.sent(), now)? {
            CacheKeep::Keep(kept) => {
                let series = self.cache.series(&kept);
                let keep = Keep { max_bytes: self.max_kept(), kept, series };
                self.note(outcome.and(Ok(())), &mut head);
                Ok(Next::Answer(head, Body::Upstream(Some(keep))))
            }
            CacheKeep::Pass(passed) => {
                self.note(outcome.and(Err(passed.reason)), &mut head);
                if passed.remember_for > 0
                    && let Some(key) = self.cache.place()
                {
                    let value = stored::encode_uncacheable();
                    self.set.push(Entry { key, value, ttl: passed.remember_for.saturating_mul(1000) });
                }
                Ok(Next::Answer(head, Body::Upstream(None)))
            }
        }
    }

    /// The answer to a HEAD says what the stored response's headers are now (RFC 9111, section 4.3.5).
    fn freshened_by_head<P: Policies>(
        &mut self,
        policies: &mut P,
        stale: &Stale,
        mut head: ResponseHead,
        now: u64,
    ) -> Step {
        let updated = policies.update(&self.request, self.caller.as_ref(), &stale.stored, &head, self.sent(), now)?;
        let outcome = CacheOutcome::forwarded("miss", &stale.why);
        match updated {
            CacheKeep::Keep(kept) => {
                self.note(outcome.and(Ok(())), &mut head);
                let series = self.cache.series(&kept);
                self.set.extend(effect::entries(kept, series, &stale.body));
            }
            CacheKeep::Pass(passed) => self.note(outcome.and(Err(passed.reason)), &mut head),
        }
        Ok(Next::Answer(head, Body::Upstream(None)))
    }

    /// The upstream gave no answer: perhaps a stale one is better than none (RFC 9111, section 4.2.4).
    fn rescued<P: Policies>(&mut self, policies: &mut P, failure: Failure, now: u64) -> Step {
        if matches!(failure, Failure::Unavailable | Failure::Timeout | Failure::BadAnswer)
            && let Some(stale) = self.cache.stale.take()
            && let Some(next) = self.rescue(policies, &stale, None, now)?
        {
            return Ok(next);
        }
        Err(Stop::Refuse(self.failure(failure)))
    }

    fn rescue<P: Policies>(
        &mut self,
        policies: &mut P,
        stale: &Stale,
        status: Option<u16>,
        now: u64,
    ) -> Result<Option<Next>, Stop> {
        let length = stale.body.len() as u64;
        let hit = policies.rescue(&self.request, &stale.stored, length, status, now)?;
        Ok(hit.map(|hit| self.answer_stored(&hit, stale.stored.clone(), &stale.body, Some("upstream-failed"))))
    }

    /// The upstream says that the stored response still holds (RFC 9111, section 4.3.4).
    fn confirmed<P: Policies>(&mut self, policies: &mut P, stale: Stale, answer: &ResponseHead, now: u64) -> Step {
        let Stale { stored, body, why, .. } = stale;
        let caller = self.caller.as_ref();
        let kept = match policies.update(&self.request, caller, &stored, answer, self.sent(), now)? {
            CacheKeep::Keep(kept) => kept,
            // It confirmed another response than ours: ask again, without conditions.
            CacheKeep::Pass(_) => return self.forward(now),
        };
        // The client may have conditions of its own, which the freshened response may meet.
        let freshened = Stored::Response(kept.head.clone());
        let length = body.len() as u64;
        let judged = policies.judge_stored(&self.request, caller, &kept.key, Some(&freshened), length, now)?;
        let (mut head, answer_body) = match judged {
            CacheUse::Hit(hit) => self.apply(&hit, kept.head.clone(), &body),
            // Such as `no-cache`: not to be used without asking, but we have just asked.
            _ => self.just_confirmed(&kept, &body),
        };
        self.note(CacheOutcome::validated(&why), &mut head);
        let series = self.cache.series(&kept);
        self.set.extend(effect::entries(kept, series, &body));
        Ok(Next::Answer(head, answer_body))
    }

    /// Says in the answer what the cache had to do with it, and remembers it for the log.
    fn note(&mut self, outcome: CacheOutcome, head: &mut ResponseHead) {
        head.headers.push(outcome.line());
        self.cache.outcome = Some(outcome);
    }

    fn answer_stored(&mut self, hit: &Hit, stored: StoredHead, body: &Bytes, reason: Option<&str>) -> Next {
        let (mut head, body) = self.apply(hit, stored, body);
        self.note(CacheOutcome::hit(hit.ttl, reason), &mut head);
        Next::Answer(head, body)
    }

    /// An answer out of a stored response.
    fn apply(&self, hit: &Hit, stored: StoredHead, body: &Bytes) -> (ResponseHead, Body) {
        let mut headers = stored.headers;
        headers.retain(|field| {
            !hit.drop.contains(&field.name) && !hit.set.iter().any(|changed| changed.name == field.name)
        });
        headers.extend_from_slice(&hit.set);
        let body = match hit.part {
            BodyPart::Whole => Body::Whole(body.clone()),
            BodyPart::Range((from, end)) => {
                // A policy may say any numbers.
                let end = usize::try_from(end).unwrap_or(usize::MAX).min(body.len());
                Body::Whole(body.slice(usize::try_from(from).unwrap_or(usize::MAX).min(end)..end))
            }
            // A HEAD is told the length of what it does not get.
            BodyPart::None if self.request.method == "HEAD" => Body::Whole(body.clone()),
            BodyPart::None => Body::Empty,
        };
        (ResponseHead { status: hit.status, headers }, body)
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

    fn sent(&self) -> Sent {
        let epoch = self.gateway.settings.as_ref().map_or(0, |settings| settings.caching.epoch);
        Sent { at: self.cache.sent_at, epoch }
    }

    fn max_kept(&self) -> u64 {
        self.gateway.settings.as_ref().map_or(0, |settings| settings.caching.max_object_bytes)
    }
}
