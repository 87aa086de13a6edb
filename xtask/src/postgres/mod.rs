//! A private PostgreSQL cluster, made with the machine's own programs.

mod account;
mod cluster;
mod programs;

pub use account::Account;
pub use cluster::{Cluster, Scratch};
pub use programs::Programs;
