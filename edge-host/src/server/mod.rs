//! Listening, and answering with what the pipeline says.

mod answer_body;
mod certificate;
mod coded;
mod connection;
mod holding;
mod listener;
mod over_http2;
mod patient_io;
mod request;
mod service;
mod streams;
mod whole;

pub use holding::{Holding, Places, give_back};
pub use listener::{Listener, accept};

pub use connection::serve;
