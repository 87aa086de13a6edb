//! API keys that were refused though they are known: one that is over, used from where it is not good, or for what only
//! somebody signed in may do. Who owns it should hear of that: it may be in other hands.

use serde_json::json;
use uuid::Uuid;

use super::{Action, Event, record};
use crate::app::AppState;
use crate::database::Scope;
use crate::problem::Result;

/// A key that was refused.
#[derive(Debug, Clone, Copy)]
pub struct RefusedKey<'a> {
    /// The key's id.
    pub key: Uuid,
    /// Whose it is.
    pub owner: Uuid,
    /// The workspace whose service account that is, if it is one.
    pub workspace: Option<Uuid>,
    /// Why, in a word.
    pub because: &'static str,
    /// From where.
    pub address: Option<&'a str>,
}

/// Records it in the account's trail, or in that of the service account's workspace; once an hour for each key and reason,
/// since whoever has the key could fill the trail. That this fails is no reason to answer otherwise.
pub async fn record_refused_key(app: &AppState, refused: RefusedKey<'_>) {
    if let Err(problem) = keep(app, refused).await {
        tracing::error!(problem = problem.kind().slug, "a refused API key could not be recorded");
    }
}

async fn keep(app: &AppState, refused: RefusedKey<'_>) -> Result<()> {
    let RefusedKey { key, owner, workspace, because, address } = refused;
    let mut tx = app.database.begin(&Scope::audit()).await?;
    let told = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM audit_events WHERE action = 'api-key.refused' AND target_id = $1
             AND details->>'because' = $2 AND at > now() - interval '1 hour') AS "told!""#,
        key.to_string(),
        because
    );
    if told.fetch_one(&mut *tx).await? {
        return Ok(());
    }
    let event = Event::by_anybody(Action::ApiKeyRefused).of_user(owner).about("api-key", key).denied();
    let event = workspace.into_iter().fold(event, Event::in_workspace);
    record(&mut tx, event.with(json!({ "because": because, "from": address }))).await?;
    tx.commit().await?;
    Ok(())
}
