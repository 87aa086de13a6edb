//! What the pipeline asks of the shell, and what the shell may answer.

use breakwater_kit::types::{Bucket, Field, Introspection, Kept, Lease, ResponseHead};
use bytes::Bytes;

use crate::stored;

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
    /// Ask an upstream, then call [`Exchange::answered`](crate::Exchange::answered) with the head of its answer.
    Forward(Forward),
    /// Answer the client. The exchange is over.
    Respond(Answer),
}

/// A request to an upstream. Its body is the client's own, streamed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forward {
    /// The upstream's name in the snapshot.
    pub upstream: String,
    /// Its origin, such as `https://host:port`; none for the core, whose origin the shell knows.
    pub origin: Option<String>,
    /// The method, as the client sent it.
    pub method: String,
    /// Path and query, which begin with `/`.
    pub path_and_query: String,
    /// All headers but `host`, which follows from the origin.
    pub headers: Vec<Field>,
    /// Whether the client's body goes with it. It does not when a request is sent a second time, because a stored
    /// response turned out not to be the one that the upstream confirmed.
    pub with_body: bool,
    /// What goes in place of the client's body, which was read.
    pub body: Option<Bytes>,
    /// Milliseconds to a connection.
    pub connect_timeout: u32,
    /// Milliseconds from the request's end to the response's head.
    pub response_timeout: u32,
    /// Milliseconds that either body may stand still.
    pub idle_timeout: u32,
    /// How often the request may be tried again on another connection. Only for requests that are safe or idempotent
    /// (RFC 9110, section 9.2.2), and only while none of the body was consumed: 0 otherwise.
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
    /// What the shell has to set in the state now, at leisure: the client need not wait for it.
    pub set: Vec<Entry>,
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
}

/// A body that the cache wants: the shell copies it aside while it streams, and sets the [entries](Keep::entries) once
/// it has come whole. A body that breaks off or grows over [`Keep::max_bytes`] is not kept.
#[derive(Debug)]
pub struct Keep {
    /// Bytes of body that are kept at the most.
    pub max_bytes: u64,
    pub(crate) kept: Kept,
}

impl Keep {
    /// What to set in the state, now that the body is there.
    pub fn entries(self, body: &[u8]) -> Vec<Entry> {
        entries(self.kept, body)
    }
}

pub(crate) fn entries(kept: Kept, body: &[u8]) -> Vec<Entry> {
    let ttl = kept.keep_for.saturating_mul(1000);
    let mut entries = vec![Entry { key: kept.key, value: stored::encode_response(&kept.head, body), ttl }];
    if let Some((key, names)) = kept.varies {
        entries.push(Entry { key, value: stored::encode_varies(&names), ttl });
    }
    entries
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
