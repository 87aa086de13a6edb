//! The step to the upstream.

use breakwater_kit::types::{Field, Problem, Route, Target};
use breakwater_kit::{headers as kit, problems};

use super::{Exchange, Next, Step, Stop, Waiting};
use crate::balance::choice;
use crate::effect::{Effect, Failure, Forward};
use crate::link::Signed;
use crate::upstreams::{Balance, HashOn, Upstream};
use crate::{adapt, coding, handshake, headers};

/// RFC 9110, section 9.2.2.
fn is_idempotent(method: &str) -> bool {
    matches!(method, "GET" | "HEAD" | "OPTIONS" | "PUT" | "DELETE")
}

impl Exchange {
    /// Asks the upstream, with what the edge says to it.
    pub(super) fn forward(&mut self, now: u64) -> Step {
        let route = self.route.as_ref().ok_or(Stop::OutOfStep)?;
        if self.declared_length().is_some_and(|length| length > route.max_body) {
            return Err(problems::payload_too_large(route.max_body).into());
        }
        if let Some(effect) = self.read_first()? {
            return Ok(Next::Do(effect));
        }
        let mirror = self.mirror().map(str::to_owned);
        let fields = self.fields();
        let route = self.route.as_ref().ok_or(Stop::OutOfStep)?;
        let Target::Upstream(name) = &route.target else { return Err(Stop::OutOfStep) };
        let mirror = mirror.map(|name| {
            let mut copy = self.forward_to(route, &name, fields.clone(), now)?;
            copy.retries = 0;
            copy.with_body = copy.body.is_some();
            copy.headers.push(Field::new("breakwater-mirror", "1"));
            Ok::<_, Stop>(Box::new(copy))
        });
        let mut forward = self.forward_to(route, name, fields, now)?;
        forward.mirror = mirror.transpose()?;
        self.cache.sent = true;
        self.cache.sent_at = now;
        self.waiting = Waiting::Upstream;
        Ok(Next::Do(Effect::Forward(forward)))
    }

    /// The headers for any upstream.
    fn fields(&mut self) -> Vec<Field> {
        // The cache needs the request once more, and so does who asks whether a tunnel may stay; nobody else does.
        let mut fields = if self.cache.is_on() || self.handshake.is_some() {
            self.request.headers.clone()
        } else {
            std::mem::take(&mut self.request.headers)
        };
        // RFC 9110, section 10.1.1: what the client waits for is the edge's answer, and the edge has decided.
        fields.retain(|field| !matches!(field.name.as_str(), "host" | "expect" | "x-request-id" | "traceparent"));
        if self.wanted_coding.is_some() {
            coding::strengthen(&mut fields);
        }
        if let Some(extras) = self.extras() {
            if !extras.response_body.is_empty() {
                adapt::ask_for_changeable(&mut fields);
            }
            adapt::edit_headers(&mut fields, &extras.request_headers);
        }
        // Names that the client's own headers were cleared of.
        fields.extend(self.caller.iter().flat_map(|caller| caller.headers.iter().cloned()));
        // They join the client's own conditions (RFC 9111, section 4.3.1).
        fields.extend_from_slice(self.cache.validators());
        let mut say = |name: &str, value: &str| fields.push(Field::new(name, value));
        say("x-forwarded-for", &self.request.client_address);
        say("x-forwarded-proto", &self.request.scheme);
        say("x-forwarded-host", &self.request.authority);
        say("x-request-id", &self.request_id);
        say("traceparent", &self.traceparent);
        if self.handshake.is_some() {
            handshake::say(&mut fields);
        }
        fields
    }

    /// A request to one upstream.
    fn forward_to(&self, route: &Route, name: &str, mut fields: Vec<Field>, now: u64) -> Result<Forward, Stop> {
        let settings = self.gateway.settings.as_ref().ok_or(Stop::OutOfStep)?;
        // The router names an upstream that the snapshot does not have: the core's mistake, and nobody else's.
        let upstream = settings.upstreams.get(name).ok_or_else(problems::internal)?;
        // Only the core is told who we are, and shown a session's tokens: with them another upstream could act for its
        // callers. What it may know of them is told in headers.
        if !upstream.is_core() {
            if let Some(cookies) = &settings.cookies {
                kit::remove_cookies(&mut fields, &[cookies.access.clone(), cookies.refresh.clone()]);
            }
        } else {
            let signed = Signed {
                method: &self.request.method,
                path_and_query: &route.path_and_query,
                client_address: &self.request.client_address,
                request_id: &self.request_id,
            };
            if let Some(signature) = self.gateway.keys.sign(now, &signed) {
                fields.push(Field::new("breakwater-edge", signature));
            }
        }
        let body = self.body.clone().filter(|_| !self.cache.sent);
        if self.cache.sent && body.is_none() {
            // It goes without its body this time, so the upstream must not wait for one.
            headers::remove(&mut fields, "content-length");
        }
        Ok(Forward {
            upstream: name.to_owned(),
            affinity: self.affinity(upstream, &fields),
            to: upstream.clone(),
            method: self.request.method.clone(),
            path_and_query: route.path_and_query.clone(),
            headers: fields,
            with_body: !self.cache.sent && self.handshake.is_none(),
            upgrade: self.handshake.is_some(),
            body,
            connect_timeout: route.connect_timeout,
            response_timeout: route.response_timeout,
            idle_timeout: route.idle_timeout,
            overall_timeout: route.overall_timeout,
            retries: if is_idempotent(&self.request.method) && self.handshake.is_none() { route.retries } else { 0 },
            max_body: route.max_body,
            mirror: None,
        })
    }

    /// What the upstream's endpoint is chosen by, if it is chosen by that.
    fn affinity(&self, upstream: &Upstream, fields: &[Field]) -> Option<u64> {
        let Balance::Hash(on) = &upstream.balance else { return None };
        let address = || self.request.client_address.as_bytes();
        let caller = || self.caller.as_ref().map(|caller| caller.subject.as_bytes());
        let text = match on {
            HashOn::Address => address(),
            HashOn::Caller => caller().unwrap_or_else(address),
            HashOn::Header(name) => headers::get(fields, name).unwrap_or_else(address),
        };
        Some(choice::key(text))
    }

    /// What a client is told when the upstream gave no answer.
    pub(super) fn failure(&self, failure: Failure) -> Problem {
        match failure {
            Failure::Unavailable | Failure::Overloaded | Failure::BadAnswer => {
                let settings = self.gateway.settings.as_ref();
                problems::upstream_unavailable(settings.map_or(1, |settings| settings.retry_after_seconds.into()))
            }
            Failure::Timeout => problems::upstream_timeout(),
            Failure::BodyTooLarge => problems::payload_too_large(self.route.as_ref().map_or(0, |route| route.max_body)),
            Failure::BodyTimeout => problems::request_timeout(),
            Failure::BodyBroken => problems::bad_request("The request's body broke off."),
            Failure::Forbidden => problems::internal(),
        }
    }
}
