//! What a database error means to the caller.

use super::{Problem, kinds};

impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Self {
        if unreachable(&error) {
            tracing::warn!(%error, "database unavailable");
            return Self::database_unavailable();
        }
        match error.as_database_error().and_then(|e| e.code()).as_deref() {
            // query_canceled (statement_timeout), serialization_failure, deadlock_detected, lock_not_available
            Some("57014" | "40001" | "40P01" | "55P03") => {
                tracing::warn!(%error, "statement given up");
                Self::overloaded("The database was too busy. Please try again.")
            }
            // insufficient_privilege: row-level security stopped what the access rules let through.
            Some("42501") => {
                tracing::error!(%error, "stopped by row-level security");
                Self::new(&kinds::FORBIDDEN)
            }
            // character_not_in_repertoire: U+0000, which no text of PostgreSQL can hold, in a path or query.
            Some("22021") => Self::bad_request("The request holds a character that cannot be stored."),
            _ => Self::internal(error),
        }
    }
}

impl From<anyhow::Error> for Problem {
    fn from(error: anyhow::Error) -> Self {
        match error.downcast::<sqlx::Error>() {
            Ok(error) => error.into(),
            Err(error) => Self::internal(format!("{error:#}")),
        }
    }
}

/// Whether `error` means that PostgreSQL cannot be reached or is going away, so that trying again is right.
pub(crate) fn unreachable(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed
        | sqlx::Error::Io(_)
        | sqlx::Error::Tls(_) => true,
        // SQLSTATE classes 08 (connection), 53 (resources), and 57P01 to 57P05 (shutdown, crash, starting up).
        sqlx::Error::Database(error) => {
            error.code().is_some_and(|code| ["08", "53", "57P0"].iter().any(|class| code.starts_with(class)))
        }
        _ => false,
    }
}

/// The constraint that was broken, for those who tell several apart.
pub(crate) fn broken_constraint(error: &sqlx::Error) -> Option<&str> {
    error.as_database_error().and_then(|error| error.constraint())
}

/// Turns a broken database constraint into the problem that it means.
pub trait OnConstraint<T> {
    /// When `constraint` was broken, the result is `problem`; any other error is what it always is.
    fn on_constraint(self, constraint: &str, problem: impl FnOnce() -> Problem) -> super::Result<T>;
}

impl<T> OnConstraint<T> for Result<T, sqlx::Error> {
    fn on_constraint(self, constraint: &str, problem: impl FnOnce() -> Problem) -> super::Result<T> {
        self.map_err(|error| if broken_constraint(&error) == Some(constraint) { problem() } else { error.into() })
    }
}
