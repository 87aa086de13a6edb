//! The question that renews a stale response while its client has its answer already (RFC 5861, section 3).

use breakwater_kit::types::{Field, StoredHead};
use bytes::Bytes;

use super::cache::{Lookup, Stale};
use super::{Exchange, Next, Waiting};
use crate::cors::Origin;
use crate::effect::{Effect, Renewal};

/// What the client asked for itself alone.
const OWN: [&str; 6] = ["if-match", "if-modified-since", "if-none-match", "if-range", "if-unmodified-since", "range"];

impl Exchange {
    /// A request like this one, but for nobody.
    pub(super) fn renew(
        &self,
        stored: StoredHead,
        body: Bytes,
        conditions: Vec<Field>,
        now: u64,
    ) -> Option<Box<Renewal>> {
        let mut request = self.request.clone();
        request.method = "GET".to_owned();
        request.headers.retain(|field| !OWN.contains(&field.name.as_str()));
        let mut exchange = Self {
            gateway: self.gateway.clone(),
            request,
            request_id: self.request_id.clone(),
            traceparent: self.traceparent.clone(),
            continues: self.continues,
            parent_span: self.parent_span.clone(),
            origin: Origin::nowhere(),
            route: self.route.clone(),
            certificate: None,
            caller: self.caller.clone(),
            unmarked: self.unmarked,
            unknown_key: None,
            drawn: Vec::new(),
            wanted: Vec::new(),
            leased: Vec::new(),
            holder: self.holder,
            cache: Lookup::renewing(&self.cache, Stale { stored, body, conditions, why: "stale".to_owned() }),
            wanted_coding: None,
            tunnels: false,
            handshake: None,
            body: None,
            // Nobody gets the answer, and the cache keeps it as the upstream gave it.
            adapts: false,
            set: Vec::new(),
            renewal: None,
            waiting: Waiting::Nothing,
            stage: self.stage,
            refused: false,
            fault: None,
        };
        let key = exchange.cache.place()?;
        match exchange.forward(now) {
            Ok(Next::Do(Effect::Forward(forward))) => Some(Box::new(Renewal { key, exchange, forward })),
            _ => None,
        }
    }
}
