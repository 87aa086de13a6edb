//! That another file is in use, in the audit trail: once, however many cores read it.

use serde_json::json;
use sha2::{Digest, Sha256};

use crate::app::AppState;
use crate::audit::{self, Action, Event};
use crate::database::Scope;
use crate::hex::hex;
use crate::problem::Result;

/// Keeps it, unless it is the one that was kept last.
pub(super) async fn keep(app: &AppState, text: &str, summary: &str) -> Result<()> {
    let sha256 = hex(&Sha256::digest(text.as_bytes()));
    let mut tx = app.database.begin(&Scope::audit()).await?;
    // Cores that start together tell it once.
    sqlx::query!("SELECT pg_advisory_xact_lock(1735157345, 0)").execute(&mut *tx).await?;
    let last = sqlx::query_scalar!(
        "SELECT details->>'sha256' FROM audit_events WHERE action = 'gateway.published' ORDER BY id DESC LIMIT 1"
    );
    if last.fetch_optional(&mut *tx).await?.flatten().as_ref() == Some(&sha256) {
        return Ok(());
    }
    let event = Event::by_system(Action::GatewayPublished).about("file", "gateway.toml");
    audit::record(&mut tx, event.with(json!({ "sha256": sha256, "summary": summary }))).await?;
    tx.commit().await?;
    Ok(())
}
