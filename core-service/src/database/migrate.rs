//! Brings the database to the schema that this build expects, as its owner.

use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection};
use url::Url;

use crate::config::DatabaseConfig;

/// The migrations, embedded.
pub static MIGRATIONS: Migrator = sqlx::migrate!("../migrations");

/// The role that the service connects as.
pub const SERVICE_ROLE: &str = "breakwater_service";

/// The newest migration before and after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Migrated {
    /// None in a new database.
    pub from: Option<i64>,
    /// That of this build.
    pub to: Option<i64>,
}

/// Creates the service's role if it is missing, sets its password to the one in `database.url`, and runs the
/// migrations that have not run.
pub async fn migrate(config: &DatabaseConfig) -> anyhow::Result<Migrated> {
    let owner = config.owner_url.reveal().parse::<PgConnectOptions>()?;
    let mut connection = owner.application_name("breakwater-migrate").connect().await?;
    prepare_role(&mut connection, config).await?;
    let from = newest(&mut connection).await?;
    MIGRATIONS.run(&mut connection).await?;
    let to = newest(&mut connection).await?;
    connection.close().await?;
    Ok(Migrated { from, to })
}

async fn newest(connection: &mut PgConnection) -> Result<Option<i64>, sqlx::Error> {
    let there: bool =
        sqlx::query_scalar("SELECT to_regclass('_sqlx_migrations') IS NOT NULL").fetch_one(&mut *connection).await?;
    if !there {
        return Ok(None);
    }
    sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations").fetch_one(connection).await
}

/// Roles belong to the whole cluster, so this is done here and not in a migration, which belongs to one database.
async fn prepare_role(connection: &mut PgConnection, config: &DatabaseConfig) -> anyhow::Result<()> {
    sqlx::raw_sql(
        "DO $$ BEGIN
           CREATE ROLE breakwater_service LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;
         EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
         END $$",
    )
    .execute(&mut *connection)
    .await?;
    let url = Url::parse(config.url.reveal())?;
    if url.username() != SERVICE_ROLE {
        return Ok(());
    }
    let Some(password) = url.password() else {
        return Ok(());
    };
    let password = percent_encoding::percent_decode_str(password).decode_utf8()?;
    // ALTER ROLE takes no parameters: the server quotes the password itself.
    let statement: String =
        sqlx::query_scalar("SELECT format('ALTER ROLE breakwater_service LOGIN PASSWORD %L', $1::text)")
            .bind(&*password)
            .fetch_one(&mut *connection)
            .await?;
    // Whoever migrates another database of the same cluster does the same at the same time, and there is no lock that both
    // could take: the loser is told so, and has to try again.
    let mut attempts = 0;
    loop {
        match sqlx::raw_sql(AssertSqlSafe(statement.clone())).execute(&mut *connection).await {
            Err(error) if was_beaten(&error) && attempts < 20 => attempts += 1,
            done => return done.map(drop).map_err(Into::into),
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}

/// "tuple concurrently updated" has no code of its own (`heapam.c`, `simple_heap_update`).
fn was_beaten(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|error| error.message() == "tuple concurrently updated")
}
