//! Listening, and answering with what the pipeline says.

mod answer_body;
mod certificate;
mod connection;
mod holding;
mod listener;
mod patient_io;
mod request;
mod service;
mod whole;

pub use holding::{Places, give_back};
pub use listener::{Listener, accept};

pub use connection::serve;
