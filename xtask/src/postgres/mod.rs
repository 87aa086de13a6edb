//! A private PostgreSQL cluster, made with the machine's own programs.

mod account;
mod cluster;
pub mod programs;

pub use account::Account;
pub use cluster::{Cluster, Scratch, stop_orphan};
pub use programs::Programs;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_starts_answers_and_goes() {
        let scratch = Scratch::start().unwrap();
        assert_eq!(scratch.cluster().query("postgres", "SELECT 40 + 2").unwrap().trim(), "42");
        let url = scratch.cluster().superuser_url("postgres");
        let port: u16 = url.rsplit([':', '/']).nth(1).unwrap().parse().unwrap();
        drop(scratch);
        assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_err());
    }

    #[test]
    fn a_wrong_question_says_what_is_wrong() {
        let scratch = Scratch::start().unwrap();
        let error = scratch.cluster().query("postgres", "SELECT nonsense").unwrap_err().to_string();
        assert!(error.contains("column \"nonsense\" does not exist"), "{error}");
    }
}
