//! PostgreSQL: the pool, and transactions that row-level security can see through.
//!
//! Rules: the service connects as `breakwater_service`, which owns nothing and cannot bypass row-level security;
//! every statement runs in a transaction of [`Database::begin`], whose [`Scope`] says on whose behalf; queries are
//! checked when they are compiled (`sqlx::query!`).

mod migrate;
mod scope;
mod to_end;

use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use sqlx::{AssertSqlSafe, PgPool, Postgres, SqlSafeStr};

pub use self::migrate::{MIGRATIONS, Migrated, SERVICE_ROLE, migrate};
pub use self::scope::Scope;
pub(crate) use self::scope::enter;
use self::to_end::ToEnd;
use crate::config::DatabaseConfig;
use crate::problem::{self, Result};

/// A transaction. Dropped, it rolls back; a transaction that only read may simply be dropped.
pub type Tx = sqlx::Transaction<'static, Postgres>;

/// The service's pool.
#[derive(Clone)]
pub struct Database {
    pool: PgPool,
    /// One connection for [`Database::begin_aside`].
    aside: PgPool,
}

impl Database {
    /// A pool that connects when it is first used, so that the service starts while PostgreSQL is away.
    pub fn new(config: &DatabaseConfig) -> std::result::Result<Self, sqlx::Error> {
        let milliseconds = config.statement_timeout.as_millis();
        let options = config.url.reveal().parse::<PgConnectOptions>()?.application_name("breakwater").options([
            ("statement_timeout", milliseconds.to_string()),
            ("idle_in_transaction_session_timeout", "60000".to_owned()),
            // Row-level security makes plans dear: to plan a small query takes several times as long as to run it. So
            // each is planned once per connection, and what a plan has to know stands in its text.
            ("plan_cache_mode", "force_generic_plan".to_owned()),
        ]);
        let pool = |connections| {
            PgPoolOptions::new()
                .max_connections(connections)
                .acquire_timeout(config.acquire_timeout)
                // A ping before every use would cost each request a round trip; `begin` notices a dead connection.
                .test_before_acquire(false)
                .after_connect(|connection, _| Box::pin(refuse_powerful_role(connection)))
                .connect_lazy_with(options.clone())
        };
        Ok(Self { pool: pool(config.max_connections), aside: pool(1) })
    }

    /// Begins a transaction on behalf of `scope`, in one round trip.
    pub async fn begin(&self, scope: &Scope) -> Result<Tx> {
        begin(&self.pool, "BEGIN", scope).await
    }

    /// The same for a transaction that only reads.
    pub async fn begin_read(&self, scope: &Scope) -> Result<Tx> {
        begin(&self.pool, "BEGIN READ ONLY", scope).await
    }

    /// Begins a transaction beside the pool, one at a time: for what requests may wait for while they are in a
    /// transaction. Did that need a connection of the pool, then requests that hold them all would wait in vain.
    pub(crate) async fn begin_aside(&self, scope: &Scope) -> Result<Tx> {
        begin(&self.aside, "BEGIN", scope).await
    }

    /// Listens to notifications on `channel`, over a connection of its own beside the pool's.
    pub async fn listen(&self, channel: &str) -> std::result::Result<PgListener, sqlx::Error> {
        let options = (*self.pool.connect_options()).clone();
        let one = PgPoolOptions::new().max_connections(1).max_lifetime(None).idle_timeout(None);
        let mut listener = PgListener::connect_with(&one.connect_with(options).await?).await?;
        listener.listen(channel).await?;
        Ok(listener)
    }

    /// How many connections the pool has, and how many of them wait for something to do.
    pub fn connections(&self) -> (usize, usize) {
        (self.pool.size() as usize, self.pool.num_idle())
    }

    /// Whether PostgreSQL answers.
    pub async fn ping(&self) -> Result<()> {
        self.begin_read(&Scope::nobody()).await.map(drop)
    }

    /// Closes all connections.
    pub async fn close(&self) {
        self.pool.close().await;
        self.aside.close().await;
    }
}

async fn begin(pool: &PgPool, begin: &str, scope: &Scope) -> Result<Tx> {
    let statement = scope.statement(begin);
    let mut stale = 0;
    loop {
        match begin_once(pool, &statement).await {
            Ok(tx) => return Ok(tx),
            // Connections that died in the pool (PostgreSQL was restarted) are found here, before anything was
            // asked of them; each is dropped, so that soon a new one is made.
            Err(error) if stale < pool.options().get_max_connections() && died(&error) => stale += 1,
            Err(error) => return Err(error.into()),
        }
    }
}

/// Who asked may go away (a client that hangs up) while PostgreSQL is about to begin. The driver would then give the
/// connection back with the transaction open, and the next to use it would run in that one, with its scope: so what was
/// begun goes on to its end, and is rolled back there.
async fn begin_once(pool: &PgPool, statement: &str) -> std::result::Result<Tx, sqlx::Error> {
    let connection = pool.acquire().await?;
    // Only words of ours and UUIDs that we formatted are in the statement.
    let statement = AssertSqlSafe(statement.to_owned()).into_sql_str();
    ToEnd::new(Tx::begin(connection, Some(statement))).await
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
