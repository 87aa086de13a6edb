//! The order in which a request meets the policies, without any I/O.
//!
//! A shell makes one [`Exchange`] per request, carries out the [`Effect`] that it yields, and hands the result back,
//! until the effect is [`Effect::Respond`]. The shell brings what the outside world knows: the time, random bytes, the
//! state, the upstreams. Nothing here reads a clock, opens a socket or waits.
//!
//! Rules that hold in here:
//! - the order of the policies stands in `exchange.rs` and nowhere else;
//! - a policy that fails ([`Fault`]) costs its own request a 500 and nothing more;
//! - what every answer carries is added in `answer.rs`, whoever answered;
//! - the configuration ([`Gateway`]) does not change under a request: a new snapshot makes a new one.

mod adapt;
mod admission;
mod answer;
pub mod balance;
mod coding;
mod cors;
mod effect;
mod exchange;
mod framing;
mod gateway;
mod handshake;
mod headers;
mod ids;
mod json_body;
mod limits;
mod link;
mod own;
mod policies;
mod problem;
mod proxies;
mod snapshot;
mod split;
mod stored;
mod upstreams;

pub use answer::{OutsideAnswer, answer_outside};
pub use coding::Coding;
pub use effect::{Answer, Body, Collapse, Effect, Entry, Failure, Forward, Keep, Renewal, Turn};
pub use exchange::{CacheOutcome, Exchange, Standing};
pub use framing::check_answer;
pub use gateway::{Caching, Cors, Gateway, HeadLimits, Settings};
pub use ids::Seed;
pub use link::{EdgeKeys, KeyError, SnapshotRequest, Unverified};
pub use policies::{Fault, Policies, Reads, Section};
pub use proxies::Proxies;
pub use snapshot::{ApplyError, Snapshot, SnapshotError, apply};
pub use upstreams::{Balance, Ejection, Endpoint, HashOn, HealthCheck, Upstream, is_origin};
