//! PostgreSQL: the pool, and transactions that row-level security can see through.
//!
//! Rules: the service connects as `breakwater_service`, which owns nothing and cannot bypass row-level security;
//! every statement runs in a transaction of [`Database::begin`], whose [`Scope`] says on whose behalf; queries are
//! checked when they are compiled (`sqlx::query!`).

mod migrate;
mod scope;

use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use sqlx::{AssertSqlSafe, PgPool, Postgres};

pub use self::migrate::{MIGRATIONS, SERVICE_ROLE, migrate};
pub use self::scope::Scope;
use crate::config::DatabaseConfig;
use crate::problem::{self, Result};

/// A transaction. Dropped, it rolls back; a transaction that only read may simply be dropped.
pub type Tx = sqlx::Transaction<'static, Postgres>;

/// The service's pool.
#[derive(Clone)]
pub struct Database {
    pool: PgPool,
    max_connections: u32,
}

impl Database {
    /// A pool that connects when it is first used, so that the service starts while PostgreSQL is away.
    pub fn new(config: &DatabaseConfig) -> std::result::Result<Self, sqlx::Error> {
        let milliseconds = config.statement_timeout.as_millis();
        let options = config.url.reveal().parse::<PgConnectOptions>()?.application_name("breakwater").options([
            ("statement_timeout", milliseconds.to_string()),
            ("idle_in_transaction_session_timeout", "60000".to_owned()),
        ]);
        let pool = PgPoolOptions::new()
            .max_connections(config.max_connections)
            .acquire_timeout(config.acquire_timeout)
            // A ping before every use would cost each request a round trip; `begin` notices a dead connection.
            .test_before_acquire(false)
            .after_connect(|connection, _| Box::pin(refuse_powerful_role(connection)))
            .connect_lazy_with(options);
        Ok(Self { pool, max_connections: config.max_connections })
    }

    /// Begins a transaction on behalf of `scope`, in one round trip.
    pub async fn begin(&self, scope: &Scope) -> Result<Tx> {
        self.begin_with("BEGIN", scope).await
    }

    /// The same for a transaction that only reads.
    pub async fn begin_read(&self, scope: &Scope) -> Result<Tx> {
        self.begin_with("BEGIN READ ONLY", scope).await
    }

    async fn begin_with(&self, begin: &str, scope: &Scope) -> Result<Tx> {
        let statement = scope.statement(begin);
        let mut stale = 0;
        loop {
            // Only words of ours and UUIDs that we formatted are in the statement.
            match self.pool.begin_with(AssertSqlSafe(statement.clone())).await {
                Ok(tx) => return Ok(tx),
                // Connections that died in the pool (PostgreSQL was restarted) are found here, before anything was
                // asked of them; each is dropped, so that soon a new one is made.
                Err(error) if stale < self.max_connections && died(&error) => stale += 1,
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Listens to notifications on `channel`, over a connection of its own beside the pool's.
    pub async fn listen(&self, channel: &str) -> std::result::Result<PgListener, sqlx::Error> {
        let options = (*self.pool.connect_options()).clone();
        let one = PgPoolOptions::new().max_connections(1).max_lifetime(None).idle_timeout(None);
        let mut listener = PgListener::connect_with(&one.connect_with(options).await?).await?;
        listener.listen(channel).await?;
        Ok(listener)
    }

    /// Whether PostgreSQL answers.
    pub async fn ping(&self) -> Result<()> {
        self.begin_read(&Scope::nobody()).await.map(drop)
    }

    /// Closes all connections.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

fn died(error: &sqlx::Error) -> bool {
    let gone = !matches!(error, sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed);
    gone && problem::unreachable(error)
}

/// A role that row-level security does not bind would quietly undo it: such a connection is never used.
async fn refuse_powerful_role(connection: &mut sqlx::PgConnection) -> std::result::Result<(), sqlx::Error> {
    let powerful = sqlx::query_scalar!(
        r#"SELECT rolsuper OR rolbypassrls AS "powerful!" FROM pg_roles WHERE rolname = current_user"#
    )
    .fetch_one(connection)
    .await?;
    if powerful {
        let reason = "database.url: the service must not connect as a role that bypasses row-level security";
        tracing::error!(reason);
        return Err(sqlx::Error::Configuration(reason.into()));
    }
    Ok(())
}
