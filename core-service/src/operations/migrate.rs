//! `core-service migrate`: the database gets this build's schema, and the trail says so.

use serde_json::json;

use crate::audit::{self, Action, Event};
use crate::config::DatabaseConfig;
use crate::database::{self, Database, Migrated, Scope};

/// Does it.
pub async fn run(config: &DatabaseConfig) -> anyhow::Result<()> {
    let Migrated { from, to } = database::migrate(config).await?;
    if from == to {
        tracing::info!("the database is up to date");
        return Ok(());
    }
    tracing::info!(from, to, "the database was brought up to date");
    // As the service, which alone may write into the trail.
    let database = Database::new(config)?;
    let event = Event::by_operator(Action::DatabaseMigrated).with(json!({ "from": from, "to": to }));
    let kept = audit::record_alone(&database, &Scope::audit(), event).await;
    database.close().await;
    kept.map_err(|problem| anyhow::anyhow!("it was migrated, but the trail was not told: {problem}"))
}
