//! What the pipeline asks of the shell, and what the shell may answer.

use std::sync::Arc;

use breakwater_kit::types::{Bucket, Field, Introspection, Kept, Lease, ResponseHead};
use bytes::Bytes;

use crate::coding::Coding;
use crate::exchange::Exchange;
use crate::stored;
use crate::upstreams::Upstream;

/// The next thing that the shell has to do for a request.
#[derive(Debug)]
pub enum Effect {
    /// Take from these buckets in one atomic decision, then call [`Exchange::taken`](crate::Exchange::taken).
    Take(Vec<Bucket>),
    /// Get a place in each of these for this holder, or in none, then call [`Exchange::leased`](crate::Exchange::leased).
    /// Places that were granted are the shell's to give back, when the answer has ended or nobody waits for it any more.
    Lease(Vec<Lease>, String),
    /// Ask an authorization server, then call [`Exchange::introspected`](crate::Exchange::introspected).
    Introspect(Introspection),
    /// Get what the state has under this key, then call [`Exchange::got`](crate::Exchange::got).
    Get(String),
    /// Read the client's body whole, then call [`Exchange::body_read`](crate::Exchange::body_read). More than so many bytes
    /// is [`Failure::BodyTooLarge`], a pause of more than so many milliseconds is [`Failure::BodyTimeout`].
    ReadBody {
        /// Bytes.
        max_bytes: u64,
        /// Milliseconds.
        idle_timeout: u32,
    },
    /// Read the body of the upstream's answer whole, then call [`Exchange::answer_read`](crate::Exchange::answer_read). One
    /// of more than so many bytes is [`Failure::BadAnswer`].
    ReadAnswer {
        /// Bytes.
        max_bytes: u64,
    },
    /// Somebody may be asking the upstream for the same already: wait for them, or be the one who asks. Then call
    /// [`Exchange::turned`](crate::Exchange::turned).
    Collapse(Collapse),
    /// Ask an upstream, then call [`Exchange::answered`](crate::Exchange::answered) with the head of its answer.
    Forward(Forward),
    /// Answer the client. The exchange is over.
    Respond(Answer),
}

/// Whom to wait for, and for how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collapse {
    /// Requests with the same key want the same.
    pub key: String,
    /// Milliseconds that one may wait for another.
    pub wait: u32,
}

/// What a request that others may want as well has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Ask the upstream; others wait until the answer is kept or given.
    Lead,
    /// Look again what the state has: another has its answer, or took too long.
    Follow,
}

/// A request to an upstream. Its body is the client's own, streamed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forward {
    /// The upstream's name in the snapshot.
    pub upstream: String,
    /// Where it is, and how one of its endpoints is chosen.
    pub to: Arc<Upstream>,
    /// What [`Balance::Hash`](crate::Balance::Hash) goes by; none for the other ways.
    pub affinity: Option<u64>,
    /// The method, as the client sent it.
    pub method: String,
    /// Path and query, which begin with `/`.
    pub path_and_query: String,
    /// All headers but `host`, which follows from the origin.
    pub headers: Vec<Field>,
    /// Whether the client's body goes with it. It does not when a request is sent a second time, because a stored
    /// response turned out not to be the one that the upstream confirmed.
    pub with_body: bool,
    /// Whether it asks for a WebSocket: the connection that is answered 101 becomes the upstream's end of a tunnel.
    pub upgrade: bool,
    /// What goes in place of the client's body, which was read.
    pub body: Option<Bytes>,
    /// Milliseconds to a connection.
    pub connect_timeout: u32,
    /// Milliseconds from the request's end to the response's head.
    pub response_timeout: u32,
    /// Milliseconds that either body may stand still.
    pub idle_timeout: u32,
    /// Milliseconds for all tries together, up to the response's head; 0 is as long as they take.
    pub overall_timeout: u32,
    /// How often the request may be tried again on another connection, after a try that may have had an effect. Only for
    /// requests that are safe or idempotent (RFC 9110, section 9.2.2): 0 otherwise.
    pub retries: u32,
    /// Bytes of request body that are let through; more is [`Failure::BodyTooLarge`].
    pub max_body: u64,
    /// A copy for another upstream, to be sent at the same time. Whatever becomes of it, nobody hears of it.
    pub mirror: Option<Box<Forward>>,
}

/// Why an upstream gave no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// No connection, or it broke before the answer's head.
    Unavailable,
    /// More requests than the upstream may have at once, and enough that wait.
    Overloaded,
    /// A connection or the answer's head took longer than the route allows.
    Timeout,
    /// What came was no HTTP answer that could be used.
    BadAnswer,
    /// The client sent more than [`Forward::max_body`].
    BodyTooLarge,
    /// The client's body stood still for longer than [`Forward::idle_timeout`].
    BodyTimeout,
    /// The client's body ended before its time or was framed wrongly.
    BodyBroken,
    /// The manifest does not allow the upstream's host.
    Forbidden,
}

/// The answer to the client.
#[derive(Debug)]
pub struct Answer {
    /// Status and headers, complete.
    pub head: ResponseHead,
    /// What follows the head.
    pub body: Body,
    /// What the body is to be compressed with on its way.
    pub coding: Option<Coding>,
    /// What the shell has to set in the state now, at leisure: the client need not wait for it.
    pub set: Vec<Entry>,
    /// A question to the upstream that renews the stale response which is answered with (RFC 5861, section 3).
    pub renewal: Option<Box<Renewal>>,
}

/// A request of the edge's own. The shell carries it out when nobody else does so for the same key, as it does any
/// other, and gives its answer to nobody.
pub struct Renewal {
    /// What it renews.
    pub key: String,
    pub(crate) exchange: Exchange,
    pub(crate) forward: Forward,
}

impl Renewal {
    /// The request, on its way, and its first effect.
    pub fn begin(self) -> (Exchange, Effect) {
        (self.exchange, Effect::Forward(self.forward))
    }
}

impl std::fmt::Debug for Renewal {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Renewal").field("key", &self.key).finish_non_exhaustive()
    }
}

/// The body of an [`Answer`].
#[derive(Debug)]
pub enum Body {
    /// None. `content-length` may still be there, for `HEAD`.
    Empty,
    /// These bytes: a problem, a file, or what the cache had.
    Whole(Bytes),
    /// The body of the upstream's answer, streamed, and kept if so asked.
    Upstream(Option<Keep>),
    /// None: after this head the connection is a tunnel to the upstream's end of it.
    Tunnel,
}

/// A body that the cache wants: the shell copies it aside while it streams, and sets the [entries](Keep::entries) once
/// it has come whole. A body that breaks off or grows over [`Keep::max_bytes`] is not kept.
#[derive(Debug)]
pub struct Keep {
    /// Bytes of body that are kept at the most.
    pub max_bytes: u64,
    pub(crate) kept: Kept,
    /// Tells variants of one age from those of another.
    pub(crate) series: u64,
}

impl Keep {
    /// What to set in the state, now that the body is there.
    pub fn entries(self, body: &[u8]) -> Vec<Entry> {
        entries(self.kept, self.series, body)
    }
}

pub(crate) fn entries(kept: Kept, series: u64, body: &[u8]) -> Vec<Entry> {
    let ttl = kept.keep_for.saturating_mul(1000);
    let value = stored::encode_response(&kept.head, body);
    match kept.varies {
        None => vec![Entry { key: kept.key, value, ttl }],
        Some((plain, names)) => vec![
            Entry { key: in_series(&kept.key, series), value, ttl },
            Entry { key: plain, value: stored::encode_varies(series, &names), ttl },
        ],
    }
}

/// Where a variant lies.
pub(crate) fn in_series(key: &str, series: u64) -> String {
    format!("{key}:{series:x}")
}

impl Entry {
    /// Forgets what is there: nothing, for a moment.
    pub(crate) fn forget(key: String) -> Self {
        Self { key, value: Bytes::new(), ttl: 1 }
    }
}

/// A value for the state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Where.
    pub key: String,
    /// What.
    pub value: Bytes,
    /// Milliseconds that it lives.
    pub ttl: u64,
}
