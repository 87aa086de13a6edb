//! A private PostgreSQL cluster, made with the machine's own programs.

mod account;
mod cluster;
pub mod programs;

pub use account::Account;
pub use cluster::{Cluster, Scratch, stop_orphan};
pub use programs::Programs;
