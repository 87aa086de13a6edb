//! The step to the upstream.

use breakwater_kit::problems;
use breakwater_kit::types::{Field, Problem, Target};

use super::{Exchange, Next, Step, Stop, Waiting};
use crate::effect::{Effect, Failure, Forward};
use crate::headers;
use crate::link::Signed;

/// RFC 9110, section 9.2.2.
fn is_idempotent(method: &str) -> bool {
    matches!(method, "GET" | "HEAD" | "OPTIONS" | "PUT" | "DELETE")
}

impl Exchange {
    /// Asks the upstream, with what the edge says to it.
    pub(super) fn forward(&mut self, now: u64) -> Step {
        let route = self.route.as_ref().ok_or(Stop::OutOfStep)?;
        let Target::Upstream(name) = &route.target else { return Err(Stop::OutOfStep) };
        let settings = self.gateway.settings.as_ref().ok_or(Stop::OutOfStep)?;
        // The router names an upstream that the snapshot does not have: the core's mistake, and nobody else's.
        let upstream = settings.upstreams.get(name).ok_or_else(problems::internal)?;

        if let Some(declared) = headers::get(&self.request.headers, "content-length") {
            let declared = std::str::from_utf8(declared).ok().and_then(|text| text.parse::<u64>().ok());
            if declared.ok_or_else(|| problems::bad_request("Content-Length is not a number."))? > route.max_body {
                return Err(problems::payload_too_large(route.max_body).into());
            }
        }

        // The cache needs the request once more; nobody else does.
        let mut fields =
            if self.cache.is_on() { self.request.headers.clone() } else { std::mem::take(&mut self.request.headers) };
        // RFC 9110, section 10.1.1: what the client waits for is the edge's answer, and the edge has decided.
        fields.retain(|field| !matches!(field.name.as_str(), "host" | "expect" | "x-request-id" | "traceparent"));
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
        // Only the core is told who we are: another upstream has no use for it.
        if upstream.origin.is_none() {
            let signed = Signed {
                method: &self.request.method,
                path_and_query: &route.path_and_query,
                client_address: &self.request.client_address,
                request_id: &self.request_id,
            };
            if let Some(signature) = self.gateway.keys.sign(now, &signed) {
                say("breakwater-edge", &signature);
            }
        }

        let forward = Forward {
            upstream: name.clone(),
            origin: upstream.origin.clone(),
            method: self.request.method.clone(),
            path_and_query: route.path_and_query.clone(),
            headers: fields,
            with_body: !self.cache.sent,
            connect_timeout: route.connect_timeout,
            response_timeout: route.response_timeout,
            idle_timeout: route.idle_timeout,
            retries: if is_idempotent(&self.request.method) { route.retries } else { 0 },
            max_body: route.max_body,
        };
        self.cache.sent = true;
        self.cache.requested_at = now;
        self.waiting = Waiting::Upstream;
        Ok(Next::Do(Effect::Forward(forward)))
    }

    /// What a client is told when the upstream gave no answer.
    pub(super) fn failure(&self, failure: Failure) -> Problem {
        match failure {
            Failure::Unavailable | Failure::BadAnswer => {
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
