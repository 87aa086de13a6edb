//! A database per test, cloned from a template that is migrated once per set of migrations.

use sha2::{Digest, Sha256};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tokio::sync::OnceCell;
use url::Url;
use uuid::Uuid;

use core_service::config::{Config, DatabaseConfig};
use core_service::database::{MIGRATIONS, migrate};

/// Whoever makes the template holds this lock.
const MAKING_TEMPLATE: i64 = 0x6272_6561_6b74_706c;

static TEMPLATE: OnceCell<String> = OnceCell::const_new();

/// A migrated database; dropped with this.
pub struct TestDatabase {
    name: String,
}

impl TestDatabase {
    pub async fn new() -> Self {
        let template = TEMPLATE.get_or_init(template).await;
        let name = format!("breakwater_test_{}", Uuid::now_v7().simple());
        let mut server = PgConnection::connect(server().as_str()).await.unwrap();
        run(&mut server, format!("CREATE DATABASE {name} TEMPLATE {template}")).await;
        Self { name }
    }

    /// As the service connects.
    pub fn service_url(&self) -> Url {
        service_url(&self.name)
    }

    /// As a superuser, for looking behind row-level security.
    pub async fn connect(&self) -> PgConnection {
        PgConnection::connect(owner_url(&self.name).as_str()).await.unwrap()
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let name = self.name.clone();
        // The test's own runtime may be over, or this thread panicking.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let mut server = PgConnection::connect(server().as_str()).await.unwrap();
                run(&mut server, format!("DROP DATABASE {name} WITH (FORCE)")).await;
            });
        });
        let dropped = dropped.join();
        if !std::thread::panicking() {
            dropped.unwrap();
        }
    }
}

fn server() -> Url {
    std::env::var("BREAKWATER_TEST_POSTGRES")
        .expect("BREAKWATER_TEST_POSTGRES names no PostgreSQL: run `cargo xtask test`")
        .parse()
        .unwrap()
}

fn owner_url(database: &str) -> Url {
    let mut url = server();
    url.set_path(database);
    url
}

fn service_url(database: &str) -> Url {
    let mut url = owner_url(database);
    url.set_username("breakwater_service").unwrap();
    url.set_password(Some("breakwater_service")).unwrap();
    url
}

async fn run(connection: &mut PgConnection, sql: String) {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await.unwrap();
}

async fn template() -> String {
    let mut hash = Sha256::new();
    for migration in MIGRATIONS.iter() {
        hash.update(&migration.checksum);
    }
    let hash: String = hash.finalize()[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    let name = format!("breakwater_template_{hash}");
    let mut server = PgConnection::connect(server().as_str()).await.unwrap();
    sqlx::query("SELECT pg_advisory_lock($1)").bind(MAKING_TEMPLATE).execute(&mut server).await.unwrap();
    let exists: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)")
        .bind(&name)
        .fetch_one(&mut server)
        .await
        .unwrap();
    if !exists {
        // Under another name until it is whole.
        let making = format!("{name}_making");
        run(&mut server, format!("DROP DATABASE IF EXISTS {making} WITH (FORCE)")).await;
        run(&mut server, format!("CREATE DATABASE {making}")).await;
        migrate(&database_config(&making)).await.unwrap();
        run(&mut server, format!("ALTER DATABASE {making} RENAME TO {name}")).await;
    }
    server.close().await.unwrap();
    name
}

/// The configuration for a database of the tests' cluster.
pub fn database_config(database: &str) -> DatabaseConfig {
    let environment =
        [("BREAKWATER_DATABASE__URL", service_url(database)), ("BREAKWATER_DATABASE__OWNER_URL", owner_url(database))];
    let environment = environment.map(|(name, url)| (name.to_owned(), url.to_string()));
    Config::load_with(None, environment).unwrap().database
}
