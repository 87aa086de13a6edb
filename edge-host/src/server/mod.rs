//! Listening, and answering with what the pipeline says.

mod answer_body;
mod connection;
mod listener;
mod patient_io;
mod request;
mod service;

pub use listener::{Listener, accept};

pub use connection::serve;
