//! The steps in which a route's own changes are made, to requests and to answers.

use breakwater_kit::types::{Extras, ResponseHead};
use bytes::Bytes;

use super::{Exchange, Next, Step, Stop, Waiting};
use crate::effect::{Body, Effect, Failure, Keep};
use crate::{adapt, headers, json_body, split};
use breakwater_kit::problems;

/// Bytes of a body that is copied to a mirror; a request with a larger one is not mirrored.
const MAX_MIRRORED: u64 = 64 * 1024;

impl Exchange {
    pub(super) fn extras(&self) -> Option<&Extras> {
        self.route.as_ref().and_then(|route| route.extras.as_ref())
    }

    /// What has to be read before the request can be sent, if anything.
    pub(super) fn read_first(&mut self) -> Result<Option<Effect>, Stop> {
        let Some(extras) = self.route.as_ref().and_then(|route| route.extras.as_ref()) else { return Ok(None) };
        if self.body.is_some() || self.cache.sent {
            return Ok(None);
        }
        let changes = adapt::changes_request(extras, &self.request.method, &self.request.headers)?;
        let length = self.declared_length().unwrap_or_default();
        let mirrored = self.is_mirrored() && (1..=MAX_MIRRORED).contains(&length);
        let Some(route) = self.route.as_mut().filter(|_| changes || mirrored) else { return Ok(None) };
        if changes {
            route.max_body = route.max_body.min(json_body::MAX_BYTES);
        }
        let (max_bytes, idle_timeout) = (route.max_body, route.idle_timeout);
        self.waiting = Waiting::Body;
        Ok(Some(Effect::ReadBody { max_bytes, idle_timeout }))
    }

    /// The client's body is there.
    pub(super) fn forward_read(&mut self, body: Result<Bytes, Failure>, now: u64) -> Step {
        let mut body = body.map_err(|failure| Stop::Refuse(self.failure(failure)))?;
        let extras = self.route.as_ref().and_then(|route| route.extras.as_ref()).ok_or(Stop::OutOfStep)?;
        if !body.is_empty() && adapt::changes_request(extras, &self.request.method, &self.request.headers)? {
            body = adapt::request_body(extras, &body)?;
            adapt::body_changed(&mut self.request.headers);
        }
        headers::set(&mut self.request.headers, "content-length", body.len().to_string());
        self.body = Some(body);
        self.forward(now)
    }

    /// The upstream that gets a copy of the request, if it does and the whole request is at hand.
    pub(super) fn mirror(&self) -> Option<&str> {
        let bodiless = match self.declared_length() {
            Some(length) => length == 0,
            None => !matches!(self.request.method.as_str(), "POST" | "PUT" | "PATCH"),
        };
        let at_hand = !self.cache.sent && self.handshake.is_none() && (bodiless || self.body.is_some());
        let mirror = self.extras().and_then(|extras| extras.mirror.as_ref())?;
        (at_hand && self.is_mirrored()).then_some(&mirror.upstream)
    }

    fn is_mirrored(&self) -> bool {
        let Some(route) = &self.route else { return false };
        let mirror = route.extras.as_ref().and_then(|extras| extras.mirror.as_ref());
        mirror.is_some_and(|mirror| split::is_mirrored(mirror.share, &route.id, &self.request_id))
    }

    /// The body's length as the client said it, if it did.
    pub(super) fn declared_length(&self) -> Option<u64> {
        let declared = headers::get(&self.request.headers, "content-length")?;
        std::str::from_utf8(declared).ok()?.parse().ok()
    }

    /// Makes the route's changes to what its target answered, once.
    pub(super) fn adapt(&mut self, mut head: ResponseHead, body: Body) -> Step {
        let adapts = std::mem::take(&mut self.adapts);
        let Some(extras) = self.extras().filter(|_| adapts) else { return Ok(Next::Answer(head, body)) };
        let changes = adapt::changes_answer(extras, &head);
        if changes {
            adapt::answer_head(&mut head)?;
        } else if !extras.response_body.is_empty() && head.status == 304 {
            adapt::weaken(&mut head.headers);
        }
        adapt::edit_headers(&mut head.headers, &extras.response_headers);
        match body {
            body if !changes => Ok(Next::Answer(head, body)),
            // How long the changed body would be, nobody knows.
            _ if self.request.method == "HEAD" => Ok(Next::Answer(head, Body::Empty)),
            Body::Empty | Body::Tunnel => Ok(Next::Answer(head, body)),
            Body::Whole(bytes) => {
                let bytes = adapt::answer_body(extras, &bytes)?;
                Ok(Next::Answer(head, Body::Whole(bytes)))
            }
            Body::Upstream(keep) => {
                self.waiting = Waiting::Answer(Box::new((head, keep)));
                Ok(Next::Do(Effect::ReadAnswer { max_bytes: json_body::MAX_BYTES }))
            }
        }
    }

    /// The upstream's body is there; its head was changed already.
    pub(super) fn answer_with(&mut self, head: ResponseHead, keep: Option<Keep>, body: Result<Bytes, Failure>) -> Step {
        let body = body.map_err(|failure| match failure {
            Failure::BadAnswer => problems::bad_upstream_answer(),
            other => self.failure(other),
        })?;
        let changed = adapt::answer_body(self.extras().ok_or(Stop::OutOfStep)?, &body)?;
        if let Some(keep) = keep.filter(|keep| body.len() as u64 <= keep.max_bytes) {
            self.set.extend(keep.entries(&body));
        }
        Ok(Next::Answer(head, Body::Whole(changed)))
    }

    /// What every answer of a route says, refusals too.
    pub(super) fn say_notices(&self, head: &mut ResponseHead) {
        let Some(extras) = self.extras() else { return };
        for notice in &extras.notices {
            headers::set(&mut head.headers, &notice.name, notice.value.as_slice());
        }
        self.say_varies(head);
    }

    /// By which request headers this route was chosen (RFC 9110, section 12.5.5).
    pub(super) fn say_varies(&self, head: &mut ResponseHead) {
        for name in self.extras().iter().flat_map(|extras| &extras.varies) {
            headers::add_to_list(&mut head.headers, "vary", name);
        }
    }
}
