//! The outbox and its workers: what follows from a write (a mail, a webhook, an index) happens after it, and surely.
//!
//! Rules: a write asks for its work in its own transaction ([`ask`]), so both commit or neither; a worker that claims
//! a job holds it for a while and no longer, so a job is done **at least once**, and [`Job::id`] is the same in
//! every attempt for whoever must drop repeats; a failed attempt is repeated later and later, and after the last one
//! the job is dead, kept, and shown by `core-service admin dead-jobs`; jobs of one queue have no order.
//!
//! What happened to documents stands in the [`log`], in one order; each [`Consumer`] sees all of it.

mod backoff;
pub mod consumer;
mod dead;
mod handler;
mod job;
pub mod log;
pub mod tail;
pub mod told;
mod wake;
mod worker;

pub use self::consumer::{Consumer, Written, settle};
pub use self::dead::{Dead, dead, revive};
pub use self::handler::{Failure, Handler, Outcome};
pub use self::job::{Job, NewJob, ask, forget_done};
pub use self::log::Event;
pub use self::tail::Tail;
pub use self::worker::{run, run_due};
