//! The decisions about several endpoints of one upstream, without clocks, sockets or chance of their own.
//!
//! A shell brings times, random numbers and what became of requests; here is said which endpoint is next ([`choice`]),
//! how large the share of one that came back is ([`ramp`]), when one is left alone because requests fail at it
//! ([`Outlier`]) or because it says so itself ([`Health`]), and whether there may be another try ([`RetryBudget`]).

mod budget;
pub mod choice;
mod health;
mod outlier;
mod ramp;

pub use budget::RetryBudget;
pub use health::Health;
pub use outlier::Outlier;
pub use ramp::ramp;
